//! The logo and the colour of the site on the pages.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::session::Color;

/// The logo and the colour of the site. Defaults to the first letter of the site's name, and to a blue button.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Brand {
    /// The logo of the site.
    pub logo: Option<Logo>,
    /// The colour of the button. Its text is black or white, whichever is easier to read.
    pub color: Option<Color>,
}

/// A small picture, which each page contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo(Box<str>);

impl Brand {
    /// Creates a brand with this logo and this colour.
    pub fn new(logo: Option<Logo>, color: Option<Color>) -> Self {
        Self { logo, color }
    }

    /// Returns the rule of the style sheet for the colour.
    pub(super) fn style(&self) -> String {
        let rule = |color: &Color| format!("\n:root {{ --button: {}; --label: {} }}", color.as_str(), color.text());
        self.color.as_ref().map_or_else(String::new, rule)
    }
}

impl Logo {
    /// The largest size of a picture, in bytes. Every page contains the picture, so it has to be small.
    const LARGEST: usize = 64 * 1024;

    /// Takes a PNG, WebP or SVG picture. Browsers show an SVG as an image, so its scripts do not run and it fetches nothing.
    ///
    /// # Errors
    ///
    /// When the picture is larger than 64 KiB, or is another kind of file.
    pub fn from_bytes(picture: &[u8]) -> Result<Self, LogoError> {
        if picture.len() > Self::LARGEST {
            return Err(LogoError::Large);
        }
        let kind = kind(picture).ok_or(LogoError::Kind)?;
        Ok(Self(format!("data:image/{kind};base64,{}", STANDARD.encode(picture)).into()))
    }

    /// Reads a picture from a file.
    ///
    /// # Errors
    ///
    /// When [`from_bytes`](Self::from_bytes) refuses the picture, or the file cannot be read.
    pub fn read(file: &Path) -> Result<Self, LogoError> {
        let mut picture = Vec::new();
        fs::File::open(file)?.take(Self::LARGEST as u64 + 1).read_to_end(&mut picture)?;
        Self::from_bytes(&picture)
    }

    /// Returns the picture as a `data:` URL.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The reason why a picture cannot be the logo.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogoError {
    /// The file cannot be read.
    #[error("the logo cannot be read")]
    Read(#[from] io::Error),
    /// The picture is too large.
    #[error("the logo is larger than 64 KiB")]
    Large,
    /// The file is not a picture of a supported kind.
    #[error("the logo is not a PNG, WebP or SVG picture")]
    Kind,
}

/// Returns the subtype of a picture's media type, by its first bytes.
fn kind(picture: &[u8]) -> Option<&'static str> {
    if picture.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some("png");
    }
    if picture.starts_with(b"RIFF") && picture.get(8..12) == Some(b"WEBP") {
        return Some("webp");
    }
    let text = std::str::from_utf8(picture).ok()?.trim_start_matches('\u{feff}').trim_start();
    let is_xml = ["<svg", "<?xml", "<!--", "<!DOCTYPE svg"].iter().any(|start| text.starts_with(start));
    (is_xml && text.contains("<svg")).then_some("svg+xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_is_a_small_picture() {
        for (picture, start) in [
            (&b"\x89PNG\r\n\x1a\nrest"[..], Some("data:image/png;base64,iVBORw0KGgpyZXN0")),
            (b"RIFF\x04\0\0\0WEBPVP8 ", Some("data:image/webp;base64,")),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Some("data:image/svg+xml;base64,")),
            (b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg/>", Some("data:image/svg+xml;base64,")),
            (b"<?xml version='1.0'?><html/>", None),
            (b"<html><svg/></html>", None),
            (b"GIF89a", None),
            (b"RIFF\x04\0\0\0WAVE", None),
            (b"\xff\xfe<svg/>", None),
            (b"", None),
        ] {
            let logo = Logo::from_bytes(picture);
            match start {
                Some(start) => assert!(logo.unwrap().as_str().starts_with(start), "{start}"),
                None => assert!(matches!(logo, Err(LogoError::Kind)), "{picture:?}"),
            }
        }
        let mut large = b"\x89PNG\r\n\x1a\n".to_vec();
        large.resize(Logo::LARGEST, 0);
        assert!(Logo::from_bytes(&large).is_ok());
        large.push(0);
        assert!(matches!(Logo::from_bytes(&large), Err(LogoError::Large)));
    }

    #[test]
    fn a_file_that_is_missing_or_large_is_no_logo() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("logo.png");
        assert!(matches!(Logo::read(&file), Err(LogoError::Read(_))));
        fs::write(&file, vec![0; Logo::LARGEST * 2]).unwrap();
        assert!(matches!(Logo::read(&file), Err(LogoError::Large)));
        fs::write(&file, b"\x89PNG\r\n\x1a\n").unwrap();
        assert!(Logo::read(&file).is_ok());
    }

    #[test]
    fn the_style_has_the_colour_and_a_text_that_can_be_read_on_it() {
        let style = |color: &str| Brand::new(None, Some(color.parse().unwrap())).style();
        assert_eq!(style("#0087ff"), "\n:root { --button: #0087ff; --label: #000000 }");
        assert_eq!(style("#7a0c2e"), "\n:root { --button: #7a0c2e; --label: #ffffff }");
        assert_eq!(Brand::default().style(), "");
    }
}
