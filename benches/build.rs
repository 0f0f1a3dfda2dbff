//! Links the criterion benches with the linker that comes with Rust.
//!
//! Criterion's `alloca` hands over LLVM bitcode when clang is the C compiler, and mold can only ask
//! gcc's plugin about it. Nothing else is linked differently.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-benches=-fuse-ld=lld");
}
