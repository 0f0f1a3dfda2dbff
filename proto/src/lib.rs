//! The published language of akashi: messages and services generated from `proto/akashi/**`.
//!
//! Nothing here decides anything. Code is generated into `OUT_DIR` at build time; the `.proto` files
//! are the documentation, field by field.

/// `akashi.v1`: what platforms, phones, agents, auditors and operators speak (port 7420).
pub mod v1 {
    #![allow(
        missing_docs,
        rustdoc::all,
        unreachable_pub,
        unused_qualifications,
        clippy::all,
        clippy::pedantic,
        clippy::restriction,
        clippy::nursery,
        reason = "generated code; documented in the .proto files"
    )]
    tonic::include_proto!("akashi.v1");
}

/// `akashi.peer.v1`: what replicas speak among themselves (port 7421).
pub mod peer {
    #![allow(
        missing_docs,
        rustdoc::all,
        unreachable_pub,
        unused_qualifications,
        clippy::all,
        clippy::pedantic,
        clippy::restriction,
        clippy::nursery,
        reason = "generated code; documented in the .proto files"
    )]
    tonic::include_proto!("akashi.peer.v1");
}

/// The compiled descriptors of both packages, for gRPC reflection and surface tests.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
