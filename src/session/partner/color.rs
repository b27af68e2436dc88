//! Colours.

use std::str::FromStr;

use super::PartnerError;

/// A colour: `#rrggbb`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Color(Box<str>);

impl Color {
    /// The colour as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Black or white, whichever has more contrast with the colour; it is 4.5 to 1 at least (WCAG 2.1, 1.4.3).
    pub fn text(&self) -> &'static str {
        if self.luminance() > MIDDLE { "#000000" } else { "#ffffff" }
    }

    /// The relative luminance (WCAG 2.1), from 0 to 1.
    fn luminance(&self) -> f64 {
        let channel = |at: usize| {
            let value = u8::from_str_radix(&self.0[at..at + 2], 16).expect("two hexadecimal digits");
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }
}

impl FromStr for Color {
    type Err = PartnerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('#').ok_or(PartnerError::Color)?;
        let is_color = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_color.then(|| Self(text.into())).ok_or(PartnerError::Color)
    }
}

/// The luminance that has the same contrast with black and with white: (1 + 0.05) / (L + 0.05) = (L + 0.05) / 0.05.
const MIDDLE: f64 = 0.179_128_784_747_792;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_can_be_read_on_every_colour() {
        let levels = (0..=255).step_by(15);
        let colors = levels.clone().flat_map(|r| levels.clone().map(move |g| (r, g)));
        for (r, g, b) in colors.flat_map(|(r, g)| (0..=255).step_by(15).map(move |b| (r, g, b))) {
            let color: Color = format!("#{r:02x}{g:02x}{b:02x}").parse().unwrap();
            let text = if color.text() == "#000000" { 0.0 } else { 1.0 };
            let (light, dark) = (color.luminance().max(text) + 0.05, color.luminance().min(text) + 0.05);
            assert!(light / dark >= 4.5, "{color:?}");
        }
    }
}
