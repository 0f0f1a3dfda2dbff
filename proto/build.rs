//! Compiles the published language with a protobuf compiler written in Rust: no `protoc` needed.

use std::path::PathBuf;

use prost::Message as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = [
        "akashi/v1/types.proto",
        "akashi/v1/presence.proto",
        "akashi/v1/platform.proto",
        "akashi/v1/phone.proto",
        "akashi/v1/agent.proto",
        "akashi/v1/processor.proto",
        "akashi/v1/audit.proto",
        "akashi/v1/cluster.proto",
        "akashi/peer/v1/peer.proto",
    ];
    for file in files {
        println!("cargo:rerun-if-changed={file}");
    }
    let descriptors = protox::compile(files, ["."])?;
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo tells a build script where to write"
    )]
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .build_transport(false)
        .btree_map(".")
        .bytes(".")
        .compile_fds(descriptors)?;
    Ok(())
}
