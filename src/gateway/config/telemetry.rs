//! `telemetry`: the traces of requests.

use http::{HeaderName, HeaderValue, header};
use url::Url;

use super::{
    reader::{Item, Scalar, Section, Shape, ValueParser},
    tls,
    upstream::header_value,
    value,
};

/// Which traces requests belong to, and where their spans go.
#[derive(Clone, PartialEq)]
pub(crate) struct TelemetryConfig {
    /// None if no span is exported.
    pub(crate) collector: Option<CollectorConfig>,
    /// Whether a request that brings no trace begins one.
    pub(crate) starts: bool,
    /// How many of the traces are sampled.
    pub(crate) ratio: SampleRatio,
}

/// A collector that takes OTLP over HTTP.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CollectorConfig {
    /// Where spans are posted.
    pub(crate) url: String,
    /// What is sent along, such as credentials.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Roots that are trusted beside Mozilla's, as PEM; it may be empty.
    pub(crate) trusted: Vec<u8>,
    /// The name under which the collector lists the gateway.
    pub(crate) service_name: String,
}

/// A part of all traces, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SampleRatio(f64);

impl TelemetryConfig {
    /// Reads the section. Use what it returns only if no mistake was reported.
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let endpoint = section.take("otlp_endpoint");
        let headers: Vec<_> = section.members("otlp_headers").collect();
        let ca_file = section.take("otlp_ca_file");
        let name_item = section.take("service_name");
        let only_with_endpoint = headers.iter().map(|(_, item)| *item).chain(ca_file).chain(name_item);
        if endpoint.is_none() {
            only_with_endpoint.for_each(|item| item.complain_of_key(ONLY_WITH_ENDPOINT));
        }
        section.note_default("start_traces", endpoint.is_some());
        section.note_default("sample_ratio", "1");
        if endpoint.is_some() {
            section.note_default("service_name", SERVICE_NAME);
        }
        let starts = section.read("start_traces", &value::boolean()).unwrap_or(endpoint.is_some());
        let ratio_item = section.take("sample_ratio");
        if let (Some(item), None, false) = (ratio_item, endpoint, starts) {
            item.complain_of_key(
                "only used for spans, and for traces that begin here (add `otlp_endpoint` or `start_traces: true`, or remove the key)",
            );
        }
        let ratio = ratio_item.and_then(|item| item.parse(&sample_ratio())).unwrap_or(SampleRatio(1.0));
        let url = endpoint.and_then(|item| item.parse(&endpoint_url()));
        let headers = headers.into_iter().filter_map(|(name, item)| read_header(name, item)).collect();
        let trusted = ca_file.and_then(tls::roots).unwrap_or_default();
        let name = name_item.and_then(|item| item.parse(&value::text(parse_name, "write truegate").open()));
        let service_name = name.unwrap_or_else(|| SERVICE_NAME.to_owned());
        let collector = url.map(|url| CollectorConfig { url, headers, trusted, service_name });
        Self { collector, starts, ratio }
    }
}

impl SampleRatio {
    /// Reads a number from 0 to 1.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let ratio = text.parse().ok().filter(|ratio| is_plain && (0.0..=1.0).contains(ratio));
        ratio.map(Self).ok_or("must be a number from 0 to 1 (write 0.1 for a tenth)")
    }

    /// How many of all numbers of 64 bits are taken.
    pub(crate) fn of_64_bits(self) -> u128 {
        (self.0 * 2f64.powi(64)) as u128
    }
}

fn sample_ratio() -> ValueParser<'static, SampleRatio> {
    ValueParser::new(Shape::Fraction, |text| SampleRatio::parse(text)).shown(|ratio| Some(ratio.0.to_string()))
}

/// The base of the URL, to which OpenTelemetry adds the path of each signal.
fn endpoint_url() -> ValueParser<'static, String> {
    ValueParser::new(Shape::Pattern { pattern: "^https?://", words: "a URL of http or https" }, |text| {
        let mut url = Url::parse(text).map_err(|_| NO_URL)?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(NO_URL);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must hold no credentials (send them with `otlp_headers`)");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("must have no query and no fragment (remove it)");
        }
        if url.path().trim_end_matches('/').ends_with(PATH) {
            return Err("must be the base of the URL, because truegate adds /v1/traces (remove this path)");
        }
        if url.port() == Some(GRPC) {
            return Err("the port 4317 is for gRPC, and truegate speaks OTLP over HTTP (write the port 4318)");
        }
        let path = format!("{}{PATH}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(url.into())
    })
    .open()
}

fn read_header(name: &str, item: Item<'_>) -> Option<(HeaderName, HeaderValue)> {
    let value = item.parse(&ValueParser::new(Shape::Text, |text: &Scalar| header_value(text)).secret());
    let parsed = name.parse::<HeaderName>().ok().filter(|name| !OWN_HEADERS.contains(name));
    if parsed.is_none() {
        item.complain_of_key("not the name of a header that can be set here (write a name such as authorization)");
    }
    Some((parsed?, value?))
}

fn parse_name(text: &str) -> Result<String, &'static str> {
    let is_name = (1..=255).contains(&text.len()) && !text.chars().any(char::is_control);
    if is_name { Ok(text.to_owned()) } else { Err("must be a name of up to 255 characters") }
}

const SERVICE_NAME: &str = "truegate";
const PATH: &str = "/v1/traces";
const GRPC: u16 = 4317;
const OWN_HEADERS: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::HOST,
    header::TRANSFER_ENCODING,
    header::USER_AGENT,
];
const ONLY_WITH_ENDPOINT: &str = "only used with `otlp_endpoint` (add it, or remove the key)";
const NO_URL: &str = "must be a URL of http or https (write http://127.0.0.1:4318)";
