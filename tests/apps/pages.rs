//! The pages themselves.

use std::{fs, process::Command};

use crate::{page::Page, site};

#[test]
fn the_configuration_of_every_page_is_valid() {
    let (folder, _) = site::folder_with_certificate();
    for page in Page::all() {
        let file = folder.path().join("truegate.yaml");
        fs::write(&file, site::filled_in(&page.file("truegate.yaml"))).unwrap();
        let output =
            Command::new(env!("CARGO_BIN_EXE_truegate")).arg("check").arg("--config").arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", page.name());
    }
}

#[test]
fn every_page_is_listed_and_says_the_same_things() {
    let list = Page::read("README.md");
    for page in Page::all() {
        assert!(list.text().contains(&format!("]({})", page.name())), "{} is not listed", page.name());
        for heading in ["\n## truegate\n", "\n## Cookies and logout\n"] {
            assert!(page.text().contains(heading), "{} has no{heading}", page.name());
        }
        assert!(page.text().contains("/.truegate/logout"), "{} says nothing of the logout", page.name());
    }
}
