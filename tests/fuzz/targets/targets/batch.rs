//! libFuzzer's entry into `akashi_fuzz::batch`. It must never hold logic: the corpus is replayed without it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| akashi_fuzz::batch(data));
