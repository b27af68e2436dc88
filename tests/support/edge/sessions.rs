//! Sessions of a test's own: the same for a gate in this process and for the program.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use truegate::{
    VerificationMethod,
    access::{Access, AllowEntry, AllowList, Group, Groups, PhonesFile, Rule, Rules},
    headers::HeaderSet,
    profile::PhoneNumber,
    session::{
        CookieDomain, LinkBase, Pages, Partner, PublicUrl, PublicUrls, ReturnPath, SameSite, Sealer, Secret,
        SessionCookieName, Sessions as Engine, SessionsBuilder,
    },
    store::{MemoryStore, RedisStore},
};

use crate::support::site_login::TOKEN;

/// What a test wants of sessions.
#[derive(Debug, Clone)]
pub struct Sessions {
    pub public_url: String,
    /// The origins besides.
    pub other_hosts: Vec<&'static str>,
    /// Each host has its own sessions if none.
    pub cookie_domain: Option<&'static str>,
    pub same_site: SameSite,
    pub websocket_origins: Vec<&'static str>,
    /// The first seals.
    pub secrets: Vec<String>,
    /// The first that matches counts; by default everything is open. A path may stand behind a host, as in `wiki.example/`.
    pub rules: Vec<(&'static str, Need)>,
    /// The paths of the further apps, by the names of the apps.
    pub apps: Vec<(&'static str, &'static str)>,
    /// By their names.
    pub groups: Vec<(&'static str, GroupFile)>,
    pub login_timeout: Duration,
    pub lifetime: Duration,
    pub idle: Duration,
    pub revocation_grace: Duration,
    pub max_pending: usize,
    /// The login page itself if none.
    pub fallback: Option<&'static str>,
    /// Whether requests for that page carry login tickets.
    pub tickets: bool,
    /// `truegate` if none.
    pub cookie_name: Option<&'static str>,
    pub upstream_cookies: Vec<&'static str>,
    /// Truecaller's app if none.
    pub link_base: Option<String>,
    pub store: Store,
    /// A folder of pages; the built-in ones if none.
    pub templates: Option<String>,
}

/// What a path needs.
#[derive(Debug, Clone)]
pub enum Need {
    Public,
    /// For requests of these methods.
    PublicTo(Vec<&'static str>),
    Optional,
    Required,
    /// For all but preflights.
    RequiredPastPreflights,
    /// One of these numbers.
    Listed(Vec<&'static str>),
    /// One of the numbers in this file.
    InFile(String),
    /// A member of this group.
    InGroup(&'static str),
    /// A number that was verified by one of these methods.
    VerifiedBy(&'static [VerificationMethod]),
    /// Both.
    InGroupVerifiedBy(&'static str, &'static [VerificationMethod]),
}

/// The file with the members of a group.
#[derive(Debug, Clone)]
pub struct GroupFile {
    path: PathBuf,
    /// For the edges in this process.
    file: PhonesFile,
}

impl GroupFile {
    pub fn read(path: &Path) -> Self {
        Self { path: path.to_owned(), file: PhonesFile::read(path).expect("a file of phone numbers") }
    }

    /// Has the edges in this process read it again.
    pub fn refresh(&self) {
        self.file.refresh().expect("a file of phone numbers");
    }
}

/// What keeps logins.
#[derive(Debug, Clone)]
pub enum Store {
    /// The memory of the edge: the gateway is another process.
    Memory,
    /// A server, by its URL.
    Redis(String),
}

impl Sessions {
    pub const ORIGIN: &str = "https://shop.example";

    /// The usual ones, behind HTTPS that somebody else ends.
    pub fn usual() -> Self {
        Self {
            public_url: Self::ORIGIN.to_owned(),
            other_hosts: Vec::new(),
            cookie_domain: None,
            same_site: SameSite::Lax,
            websocket_origins: Vec::new(),
            secrets: vec!["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()],
            rules: vec![("/", Need::Optional)],
            apps: Vec::new(),
            groups: Vec::new(),
            login_timeout: SessionsBuilder::LOGIN_TIMEOUT,
            lifetime: SessionsBuilder::LIFETIME,
            idle: SessionsBuilder::IDLE,
            revocation_grace: SessionsBuilder::REVOCATION_GRACE,
            max_pending: 1000,
            fallback: None,
            tickets: false,
            cookie_name: None,
            upstream_cookies: Vec::new(),
            link_base: None,
            store: Store::Memory,
            templates: None,
        }
    }

    /// For a gate in this process.
    pub fn engine(&self, sets: &[(&str, HeaderSet)]) -> Engine {
        let builder = self.begin();
        let builder = match &self.link_base {
            Some(base) => builder.link_base(LinkBase::parse(base).expect("a base of links")),
            None => builder,
        };
        let builder = match &self.templates {
            Some(folder) => builder.pages(Pages::load(Path::new(folder)).expect("pages that can be filled in")),
            None => builder,
        };
        let builder = match self.cookie_name {
            Some(name) => builder.cookie_name(&SessionCookieName::parse(name).expect("a name")),
            None => builder,
        };
        let builder = match self.fallback {
            Some(path) => builder.fallback(ReturnPath::parse(path).expect("a path of the site")),
            None => builder,
        };
        let builder = if self.tickets { builder.login_tickets() } else { builder };
        let cookies = self.upstream_cookies.iter().map(|name| name.parse().expect("a cookie's name"));
        let rules = self.rules.iter().map(|(place, need)| {
            let rule = need.rule(place, self);
            let Some(app) = self.app(place) else { return rule };
            let (_, set) = sets.iter().find(|(name, _)| *name == app).expect("a known app");
            rule.headers(set.clone())
        });
        builder
            .login_timeout(self.login_timeout)
            .lifetime(self.lifetime)
            .idle(self.idle)
            .revocation_grace(self.revocation_grace)
            .upstream_cookies(cookies)
            .same_site(self.same_site)
            .websocket_origins(self.websocket_origins.iter().map(|origin| url(origin)))
            .rules(rules.collect::<Rules>())
            .groups(self.groups.iter().map(|(name, _)| self.group(name)).collect::<Groups>())
            .build()
    }

    /// The further app of a path.
    fn app(&self, path: &str) -> Option<&str> {
        self.apps.iter().find(|(of, _)| *of == path).map(|(_, app)| *app)
    }

    fn group(&self, name: &str) -> Group {
        let (_, GroupFile { file, .. }) = self.groups.iter().find(|(known, _)| *known == name).expect("a known group");
        Group::new(name.parse().expect("a group's name"), AllowList::only([AllowEntry::File(file.clone())]))
    }

    fn members(&self, group: &str) -> AllowList {
        AllowList::only([AllowEntry::Group(self.group(group))])
    }

    fn begin(&self) -> SessionsBuilder {
        let others = self.other_hosts.iter().map(|origin| url(origin));
        let urls = PublicUrls::new(url(&self.public_url), others).expect("origins of one site");
        let urls = match self.cookie_domain {
            Some(domain) => urls
                .share_sessions(domain.parse::<CookieDomain>().expect("a domain"))
                .expect("the domain of the origins"),
            None => urls,
        };
        let secrets: Vec<_> = self.secrets.iter().map(|text| Secret::parse(text).expect("a secret")).collect();
        let (first, others) = secrets.split_first().expect("one secret seals");
        let partner = Partner::new("a-partner-key", "A Shop").expect("a key and a name");
        let sealer = Sealer::new(first, others);
        match &self.store {
            Store::Memory => Engine::builder(urls, sealer, partner, MemoryStore::new(self.max_pending)),
            Store::Redis(server) => {
                let store = RedisStore::new(server, self.max_pending).expect("the URL of a server");
                Engine::builder(urls, sealer, partner, store)
            }
        }
    }

    /// The section `admin`, for the program.
    pub fn admin_yaml(&self) -> String {
        let token = if self.tickets { format!(", token: '{TOKEN}'") } else { String::new() };
        format!("admin: {{ listen: 127.0.0.1:0{token} }}\n")
    }

    /// For the program.
    pub fn yaml(&self) -> String {
        let mut text = String::from("session:\n");
        let mut line = |line: String| writeln!(text, "{line}").expect("writing into a string cannot fail");
        let origins = [&[&*self.public_url], &self.other_hosts[..]].concat();
        line(format!("  public_url: [{}]\n  secret: [{}]", origins.join(", "), self.secrets.join(", ")));
        self.cookie_domain.iter().for_each(|domain| line(format!("  cookie_domain: {domain}")));
        line(format!("  same_site: {}", format!("{:?}", self.same_site).to_ascii_lowercase()));
        line(format!("  websocket_origins: [{}]", self.websocket_origins.join(", ")));
        line("  partner: { key: a-partner-key, name: A Shop }".to_owned());
        line(format!("  login_timeout: {}ms", self.login_timeout.as_millis()));
        line(format!("  lifetime: {}ms\n  idle: {}ms", self.lifetime.as_millis(), self.idle.as_millis()));
        line(format!("  revocation_grace: {}ms", self.revocation_grace.as_millis()));
        line(format!("  max_pending: {}", self.max_pending));
        self.fallback.iter().for_each(|path| line(format!("  fallback_url: {path}")));
        line(format!("  upstream_cookies: [{}]", self.upstream_cookies.join(", ")));
        self.cookie_name.iter().for_each(|name| line(format!("  cookie_name: {name}")));
        self.link_base.iter().for_each(|base| line(format!("  link_base: {base}")));
        self.templates.iter().for_each(|folder| line(format!("  templates: {folder}")));
        if let Store::Redis(url) = &self.store {
            line(format!("  store: {url}"));
        }
        if !self.groups.is_empty() {
            line("groups:".to_owned());
        }
        for (name, GroupFile { path, .. }) in &self.groups {
            line(format!("  {name}: {{ phones_file: {} }}", path.display()));
        }
        let rule = |(place, need): &(&str, Need)| {
            let upstream = self.app(place).map(|app| format!(", upstream: {app}")).unwrap_or_default();
            format!("{{ {}, {}{upstream} }}", place_yaml(place), need.yaml())
        };
        let rules: Vec<_> = self.rules.iter().map(rule).collect();
        line(format!("routes: [{}]", rules.join(", ")));
        text
    }
}

/// The host of a place, if it has one, and its path.
fn split(place: &str) -> (Option<&str>, &str) {
    let (host, path) = place.split_at(place.find('/').expect("a place has a path"));
    (Some(host).filter(|host| !host.is_empty()), path)
}

fn place_yaml(place: &str) -> String {
    match split(place) {
        (Some(host), path) => format!("host: '{host}', path: {path}"),
        (None, path) => format!("path: {path}"),
    }
}

fn words(methods: &[VerificationMethod]) -> String {
    methods.iter().map(|method| method.code()).collect::<Vec<_>>().join(", ")
}

fn url(origin: &str) -> PublicUrl {
    PublicUrl::parse(origin).expect("an origin")
}

impl Need {
    fn rule(&self, place: &str, sessions: &Sessions) -> Rule {
        let (host, path) = split(place);
        let rule = Rule::new(path.parse().expect("a path"), self.access(sessions));
        let rule = host.into_iter().fold(rule, |rule, host| rule.host(host.parse().expect("a host")));
        match self {
            Self::PublicTo(methods) => rule.methods(methods.iter().map(|method| method.parse().expect("a method"))),
            Self::RequiredPastPreflights => rule.pass_preflights(),
            _ => rule,
        }
    }

    fn access(&self, sessions: &Sessions) -> Access {
        let phone = |phone: &&str| AllowEntry::Phone(PhoneNumber::parse(phone).expect("a phone number"));
        match self {
            Self::Public | Self::PublicTo(_) => Access::Public,
            Self::Optional => Access::Optional,
            Self::Required | Self::RequiredPastPreflights => Access::Required(AllowList::default()),
            Self::Listed(phones) => Access::Required(AllowList::only(phones.iter().map(phone))),
            Self::InFile(path) => {
                let file = PhonesFile::read(path).expect("a file of phone numbers");
                Access::Required(AllowList::only([AllowEntry::File(file)]))
            }
            Self::InGroup(name) => Access::Required(sessions.members(name)),
            Self::VerifiedBy(methods) => Access::Required(AllowList::default().verified_by(methods.iter().copied())),
            Self::InGroupVerifiedBy(name, methods) => {
                Access::Required(sessions.members(name).verified_by(methods.iter().copied()))
            }
        }
    }

    fn yaml(&self) -> String {
        match self {
            Self::Public => "access: public".to_owned(),
            Self::PublicTo(methods) => format!("access: public, methods: [{}]", methods.join(", ")),
            Self::RequiredPastPreflights => "access: required, preflight: pass".to_owned(),
            Self::Optional => "access: optional".to_owned(),
            Self::Required => "access: required".to_owned(),
            Self::Listed(phones) => {
                format!("access: required, allow: {{ phones: ['{}'] }}", phones.join("', '"))
            }
            Self::InFile(path) => format!("access: required, allow: {{ phones_file: {path} }}"),
            Self::InGroup(name) => format!("access: required, allow: {{ groups: [{name}] }}"),
            Self::VerifiedBy(methods) => format!("access: required, allow: {{ methods: [{}] }}", words(methods)),
            Self::InGroupVerifiedBy(name, methods) => {
                format!("access: required, allow: {{ methods: [{}], groups: [{name}] }}", words(methods))
            }
        }
    }
}
