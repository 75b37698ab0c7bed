//! The fuzz binary: libFuzzer calls it with bytes, the first of which picks the decoder.
#![no_main]

use std::{env, sync::LazyLock};

/// Set to anything, the byte 255 picks a decoder with a planted bug, which the same command must find.
const PLANT: &str = "DERWENT_FUZZ_PLANT";

static IS_PLANTED: LazyLock<bool> = LazyLock::new(|| env::var_os(PLANT).is_some());

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match bytes {
        [fuzz_codecs::PLANTED, rest @ ..] if *IS_PLANTED => {
            fuzz_codecs::planted(rest);
        }
        bytes => fuzz_codecs::run(bytes),
    }
});
