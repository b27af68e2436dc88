//! Prints the public API that a file of rustdoc's JSON tells, an item on a line.
//!
//! Of a derived impl, only the line of the impl itself is printed: its methods follow from it.

use std::{collections::HashSet, env, error::Error, ffi::OsStr};

use public_api::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let json = env::args_os().nth(1).ok_or("name a file of rustdoc's JSON")?;
    let written: HashSet<_> = listing(&json, true)?.into_iter().collect();
    for line in listing(&json, false)? {
        let is_derived = !written.contains(&line);
        if !is_derived || (line.starts_with("impl ") && !line.contains("StructuralPartialEq")) {
            println!("{line}");
        }
    }
    Ok(())
}

fn listing(json: &OsStr, omits_derived: bool) -> Result<Vec<String>, Box<dyn Error>> {
    let builder = Builder::from_rustdoc_json(json).omit_blanket_impls(true).omit_auto_trait_impls(true);
    let api = builder.omit_auto_derived_impls(omits_derived).build()?;
    Ok(api.items().map(ToString::to_string).collect())
}
