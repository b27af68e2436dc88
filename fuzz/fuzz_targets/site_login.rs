#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    truegate::fuzzing::site_login(bytes);
});
