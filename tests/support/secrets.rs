//! What nobody may tell.

/// Insists that no line has a secret in it, in any letter case.
pub fn assert_untold<'a>(lines: &[String], secrets: impl IntoIterator<Item = &'a str>) {
    let secrets: Vec<_> = secrets.into_iter().map(str::to_ascii_lowercase).collect();
    for line in lines {
        let said = line.to_ascii_lowercase();
        let told = secrets.iter().find(|secret| said.contains(*secret));
        assert!(told.is_none(), "{told:?} in {line}");
    }
}
