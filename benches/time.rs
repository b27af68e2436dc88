//! How long each case takes, and the bare service with the same requests: `scripts/bench time`.

mod cases;

use divan::Bencher;

use cases::{App, Case, RUNTIME, send};

fn main() {
    let _timers = RUNTIME.enter();
    divan::main();
}

/// The service alone, to compare with.
#[divan::bench(args = Case::NAMES)]
fn bare(bencher: Bencher<'_, '_>, name: &str) {
    let mut case = Case::named(name);
    bencher.with_inputs(|| case.request()).bench_local_values(|request| send(&mut App, request));
}

/// The service behind the layer.
#[divan::bench(args = Case::NAMES)]
fn layer(bencher: Bencher<'_, '_>, name: &str) {
    let mut case = Case::named(name);
    let mut service = case.service.clone();
    bencher.with_inputs(|| case.request()).bench_local_values(|request| send(&mut service, request));
}
