#![no_main]

use longwire::deflate::Pool;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    testkit::fuzz::inflate(data, || Box::<Pool>::default());
});
