//! How a single value is read, together with the shape of the texts that it may be.

use std::fmt;

use super::{Scalar, Shape};

/// Reads a single value, and knows which texts it takes: the schema of the configuration has each key from here.
pub(in crate::gateway::config) struct ValueParser<'a, T> {
    pub(super) shapes: Vec<Shape>,
    pub(super) is_secret: bool,
    pub(super) is_open: bool,
    parse: Parse<'a, T>,
    show: Option<Show<'a, T>>,
}

type Parse<'a, T> = Box<dyn Fn(&Scalar) -> Result<T, String> + 'a>;
type Show<'a, T> = Box<dyn Fn(&T) -> Option<String> + 'a>;

impl<'a, T: 'a> ValueParser<'a, T> {
    /// A parser of texts of this shape. The shape must not exclude a text that the parser takes.
    pub(in crate::gateway::config) fn new<E: fmt::Display>(
        shape: Shape,
        parse: impl Fn(&Scalar) -> Result<T, E> + 'a,
    ) -> Self {
        let parse = move |text: &Scalar| parse(text).map_err(|error| error.to_string());
        Self { shapes: vec![shape], is_secret: false, is_open: false, parse: Box::new(parse), show: None }
    }

    /// Adds another shape that a text may have.
    pub(in crate::gateway::config) fn or(mut self, shape: Shape) -> Self {
        self.shapes.push(shape);
        self
    }

    /// Marks the value as one that must be shown to nobody.
    pub(in crate::gateway::config) fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }

    /// Marks the value as one that operators may see again, where the shape alone does not say so. A secret stays one.
    pub(in crate::gateway::config) fn open(self) -> Self {
        Self { is_open: true, ..self }
    }

    /// Tells how the configuration writes a value, so that the schema can name the default.
    pub(in crate::gateway::config) fn shown(self, show: impl Fn(&T) -> Option<String> + 'a) -> Self {
        Self { show: Some(Box::new(show)), ..self }
    }

    /// Refuses some of the values.
    pub(in crate::gateway::config) fn check<E: fmt::Display>(self, check: impl Fn(&T) -> Result<(), E> + 'a) -> Self {
        let parse = self.parse;
        let parse = move |text: &Scalar| {
            let value = parse(text)?;
            check(&value).map(|()| value).map_err(|error| error.to_string())
        };
        Self { parse: Box::new(parse), ..self }
    }

    /// Reads a text.
    ///
    /// # Errors
    ///
    /// Says what is wrong and what to do, and does not repeat the text.
    pub(in crate::gateway::config) fn parse(&self, text: &Scalar) -> Result<T, String> {
        (self.parse)(text)
    }

    /// The text that the configuration has for a value, if it has one.
    pub(super) fn show(&self, value: &T) -> Option<String> {
        self.show.as_ref().and_then(|show| show(value))
    }
}
