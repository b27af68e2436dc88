use std::{error::Error, fs};

use zeroize::Zeroizing;

use super::*;

struct Directory(tempfile::TempDir);

impl Directory {
    fn with(text: &str) -> Self {
        let directory = Self(tempfile::tempdir().unwrap());
        directory.write(text);
        directory
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("vip.txt")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }
}

fn lists(file: &PhonesFile, phone: &str) -> bool {
    file.lists(&PhoneNumber::parse(phone).unwrap())
}

fn is_unreadable(read: &Result<(), PhonesFileError>, kind: io::ErrorKind) -> bool {
    matches!(read, Err(PhonesFileError::Unreadable(cause)) if cause.kind() == kind)
}

#[test]
fn a_file_lists_one_number_a_line() {
    let directory = Directory::with("# guests\n\n+919999900001\r\n  +919999900002\t# the second\n   \n+919999900003");
    let file = PhonesFile::read(directory.path()).unwrap();
    for listed in ["+919999900001", "+919999900002", "+919999900003"] {
        assert!(lists(&file, listed), "{listed}");
    }
    assert!(!lists(&file, "+919999900004"));
}

#[test]
fn a_byte_order_mark_is_not_part_of_the_first_line() {
    let directory = Directory::with("\u{feff}+919999900001\r\n+919999900002\r\n");
    let file = PhonesFile::read(directory.path()).unwrap();
    assert!(lists(&file, "+919999900001") && lists(&file, "+919999900002"));
    directory.write("\u{feff}# guests of today\n+919999900003\n");
    file.refresh().unwrap();
    assert!(lists(&file, "+919999900003"));
    directory.write("+919999900001\n\u{feff}+919999900002\n");
    assert!(matches!(PhonesFile::read(directory.path()), Err(PhonesFileError::Line(2))));
}

#[test]
fn an_empty_file_lists_nobody() {
    for text in ["", "\n\n", "# nobody yet\n"] {
        let directory = Directory::with(text);
        assert!(!lists(&PhonesFile::read(directory.path()).unwrap(), "+919999900001"), "{text:?}");
    }
}

#[test]
fn a_line_that_is_not_a_number_is_named_but_not_shown() {
    for line in
        ["919999900001", "+91 99999 00001", "+919999900001,", "+919999900001 +919999900002", "\u{feff}+919999900001"]
    {
        let directory = Directory::with(&format!("# guests\n+919999900009\n{line}\n"));
        let error = PhonesFile::read(directory.path()).unwrap_err();
        assert!(matches!(error, PhonesFileError::Line(3)), "{line:?}");
        assert_eq!(error.to_string(), "line 3 is not a phone number (write +919999900001)");
    }
}

#[test]
fn a_file_that_is_missing_or_not_text_is_unreadable() {
    let directory = Directory::with("");
    let missing = PhonesFile::read(directory.0.path().join("other.txt")).unwrap_err();
    assert_eq!(missing.to_string(), "the file of phone numbers cannot be read: entity not found");
    let cause = missing.source().and_then(|source| source.downcast_ref::<io::Error>()).expect("the system's own error");
    assert!(cause.raw_os_error().is_some());
    fs::write(directory.path(), b"+9199999\xff\n").unwrap();
    assert!(is_unreadable(&PhonesFile::read(directory.path()).map(drop), io::ErrorKind::InvalidData));
}

#[test]
fn a_refresh_reads_the_file_again() {
    let directory = Directory::with("+919999900001\n");
    let file = PhonesFile::read(directory.path()).unwrap();
    let shared = file.clone();
    directory.write("+919999900001\n+919999900002\n");
    file.refresh().unwrap();
    assert!(lists(&shared, "+919999900002"));
    directory.write("");
    file.refresh().unwrap();
    assert!(!lists(&shared, "+919999900001") && !lists(&shared, "+919999900002"));
}

#[test]
fn a_file_with_the_same_bytes_is_not_made_a_list_again() {
    let directory = Directory::with("+919999900001\n");
    let file = PhonesFile::read(directory.path()).unwrap();
    let place = || file.content().phones.as_ptr();
    let before = place();
    directory.write("+919999900001\n");
    file.refresh().unwrap();
    assert_eq!(place(), before);
    directory.write("+919999900002\n");
    file.refresh().unwrap();
    assert!(lists(&file, "+919999900002") && !lists(&file, "+919999900001"), "of the same length");
    directory.write("+919999900001\n");
    file.refresh().unwrap();
    assert!(lists(&file, "+919999900001") && !lists(&file, "+919999900002"), "and as it was before");
}

#[test]
fn a_list_takes_eight_bytes_for_each_number_and_knows_the_longest_and_the_shortest() {
    let numbers = (0..1000).map(|number| format!("+9199999{:05}\n", number * 7 % 1000)).collect::<String>();
    let directory = Directory::with(&(numbers.clone() + "+1234567\n+123456789012345\n" + &numbers));
    let file = PhonesFile::read(directory.path()).unwrap();
    assert_eq!((file.len(), size_of_val(&**file.content().phones)), (1002, 1002 * 8));
    for (phone, listed) in [
        ("+1234567", true),
        ("+123456789012345", true),
        ("+919999900999", true),
        ("+919999901000", false),
        ("+12345678", false),
        ("+12345678901234", false),
    ] {
        assert_eq!(lists(&file, phone), listed, "{phone}");
    }
}

#[test]
fn the_list_of_before_counts_until_the_file_can_be_used() {
    let directory = Directory::with("+919999900001\n");
    let file = PhonesFile::read(directory.path()).unwrap();
    directory.write("+919999900002\nhalf a li");
    for _ in 0..2 {
        assert!(matches!(file.refresh(), Err(PhonesFileError::Line(2))));
    }
    fs::remove_file(directory.path()).unwrap();
    assert!(is_unreadable(&file.refresh(), io::ErrorKind::NotFound));
    assert!(lists(&file, "+919999900001") && !lists(&file, "+919999900002"));
    directory.write("+919999900002\n");
    file.refresh().unwrap();
    assert!(lists(&file, "+919999900002") && !lists(&file, "+919999900001"));
}

#[test]
fn no_number_of_a_file_is_shown() {
    let directory = Directory::with("+919999900001\n");
    let file = PhonesFile::read(directory.path()).unwrap();
    assert!(!format!("{file:?}").contains("99999"));
}

/// How often a text is in the memory of this process. Its bytes are given inverted, so that they are not in it themselves.
#[cfg(target_os = "linux")]
fn in_memory(inverted: &[u8]) -> usize {
    let (maps, memory) = (fs::read_to_string("/proc/self/maps").unwrap(), fs::File::open("/proc/self/mem").unwrap());
    let mut found = 0;
    for line in maps.lines().filter(|line| line.contains("rw-p")) {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        let mut bytes = Zeroizing::new(vec![0; (end - start).try_into().unwrap()]);
        // Another test may have freed it by now.
        let read = std::os::unix::fs::FileExt::read_at(&memory, &mut bytes, start).unwrap_or_default();
        let is_it = |part: &&[u8]| part.iter().zip(inverted).all(|(byte, inverted)| *byte == !inverted);
        found += bytes[..read].windows(inverted.len()).filter(is_it).count();
    }
    found
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_file_was_read_through_is_wiped() {
    let inverted = [9, 1, 7, 2, 6, 3, 5, 4, 4, 5, 3, 6_u8].map(|digit| !(digit + b'0'));
    let mut text = Zeroizing::new(Vec::with_capacity(64));
    text.push(b'+');
    text.extend(inverted.iter().map(|byte| !byte));
    text.extend_from_slice(b" # a guest\n");
    let directory = Directory::with("");
    fs::write(directory.path(), &text).unwrap();
    assert!(in_memory(&inverted) > 0, "it is found where it is");
    drop(text);

    let file = PhonesFile::read(directory.path()).unwrap();
    file.refresh().unwrap();

    assert_eq!((file.len(), in_memory(&inverted)), (1, 0));
}
