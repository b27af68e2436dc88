//! Sends requests of one case, for `scripts/bench instructions`: `instructions NAME COUNT`. Without a name, it lists the cases.
//!
//! Callgrind counts what the bare service takes for them, and then what the service behind the layer takes.

mod cases;

use std::{env, hint::black_box};

use cases::{App, Case, RUNTIME, send};

fn main() {
    // `cargo bench` adds a flag.
    let mut arguments = env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let Some(name) = arguments.next() else { return println!("{}", Case::NAMES.join("\n")) };
    let count = arguments.next().map_or(0, |count| count.parse().expect("a number of requests"));

    let _timers = RUNTIME.enter();
    let mut case = Case::named(&name);
    for _ in 0..WARM_UP {
        let request = case.request();
        send(&mut case.service, request);
    }
    let [mut bare, mut layer] = [(); 2].map(|()| (0..count).map(|_| case.request()).collect::<Vec<_>>());
    counted(&mut || bare.drain(..).for_each(|request| drop(send(&mut App, request))));
    counted(&mut || layer.drain(..).for_each(|request| drop(send(&mut case.service, request))));
}

/// Callgrind counts while this function runs, and knows it by its name.
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    work();
    // A call at the end of a function would become a jump, and the function would be over before.
    black_box(());
}

const WARM_UP: usize = 50;
