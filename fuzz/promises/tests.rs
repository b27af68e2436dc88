use std::{collections::BTreeSet, fs, path::PathBuf};

use super::TARGETS;

fn seeds() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fuzz", "seeds"].iter().collect()
}

#[test]
fn every_seed_keeps_the_promises_of_its_target() {
    for (name, target) in TARGETS {
        let (mut taken, mut refused) = (0, 0);
        for file in fs::read_dir(seeds().join(name)).unwrap() {
            let file = file.unwrap().path();
            println!("{}", file.display());
            match target(&fs::read(file).unwrap()) {
                true => taken += 1,
                false => refused += 1,
            }
        }
        // A fuzzer that never gets through a parser finds nothing behind it.
        assert!(taken > 0, "no seed of {name} is taken");
        assert!(refused > 0, "no seed of {name} is refused");
    }
}

#[test]
fn every_target_has_seeds_and_a_program_of_its_own() {
    let known: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let listed = |folder: &str| -> BTreeSet<_> {
        let entries = fs::read_dir(seeds().with_file_name(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed("seeds"), known);
    assert_eq!(listed("fuzz_targets"), known);
}
