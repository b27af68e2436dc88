//! A browser, the site that it logs in to, and the simulator that plays the phone.

use fantoccini::wd::WindowHandle;
use truegate::simulator::Simulator;

use crate::{
    screens,
    site::{Site, Wish},
    support::browser::{Browser, Looks},
};

/// A page that needs a login.
pub(crate) const NEXT: &str = "/account/?a=b&c=d";
/// The login that leads to it.
pub(crate) const LOGIN: &str = "/.truegate/login?next=/account/%3Fa=b%26c=d";

pub(crate) struct Scene {
    pub(crate) browser: Browser,
    pub(crate) site: Site,
    pub(crate) truecaller: Simulator,
}

impl Scene {
    /// The button opens the simulator's phone, as a tab of its own.
    pub(crate) async fn with_phone() -> Self {
        Self::looking(&Looks::default()).await
    }

    pub(crate) async fn looking(looks: &Looks) -> Self {
        Self::wishing(looks, |_| {}).await
    }

    /// With a phone, and a site that is as wished beside.
    pub(crate) async fn wishing(looks: &Looks, wish: impl FnOnce(&mut Wish)) -> Self {
        let truecaller = Simulator::start().await.unwrap();
        let mut wished = Wish { link_base: Some(truecaller.link_base()), ..Wish::default() };
        wish(&mut wished);
        let site = Site::start(&truecaller, wished).await;
        Self::set(looks, truecaller, site).await
    }

    /// With a phone, and 6 seconds for a login.
    pub(crate) async fn in_a_hurry() -> Self {
        let truecaller = Simulator::start().await.unwrap();
        let site = Site::start_brief(&truecaller).await;
        Self::set(&Looks::default(), truecaller, site).await
    }

    /// The button opens Truecaller's app, which is not there.
    ///
    /// A browser of a desktop then asks which program to use, in front of the page; on Android nothing happens, and
    /// the page keeps the focus.
    pub(crate) async fn without_app(fallback: Option<&'static str>) -> Self {
        let scene = Self::wishing(&Looks::default(), |wish| {
            wish.link_base = None;
            wish.fallback = fallback;
        })
        .await;
        scene.browser.keep_focus().await;
        scene
    }

    async fn set(looks: &Looks, truecaller: Simulator, site: Site) -> Self {
        truecaller.set_callback_url(&site.callback_url()).unwrap();
        Self { browser: Browser::looking(looks).await, site, truecaller }
    }

    /// Opens a page of the site.
    pub(crate) async fn open(&self, path: &str) {
        self.browser.open(&format!("{}{path}", self.site.origin())).await;
    }

    /// Taps the button and gives the tabs of the site and of the phone, which is in front.
    pub(crate) async fn tap(&self) -> (WindowHandle, WindowHandle) {
        let (site, known) = (self.browser.tab().await, self.browser.client().windows().await.unwrap());
        self.is_ready().await;
        self.browser.tap("#truegate").await;
        (site, self.browser.go_to_new(&known).await)
    }

    /// Opens another tab and goes to it.
    pub(crate) async fn another_tab(&self) -> WindowHandle {
        let tab = self.browser.client().new_window(true).await.unwrap().handle;
        self.browser.go_to(&tab).await;
        tab
    }

    /// Waits until the button can be tapped.
    pub(crate) async fn is_ready(&self) {
        self.browser.until("document.querySelector('#truegate[href]:not([aria-disabled])')").await;
    }

    /// The request id of the button.
    pub(crate) async fn request_id(&self) -> String {
        let script = "return new URL(document.querySelector('#truegate').href).searchParams.get('requestNonce')";
        self.browser.ask(script).await.as_str().unwrap().to_owned()
    }

    /// Taps a button of the phone's dialog, and goes back to the tab of the site.
    pub(crate) async fn react(&self, button: &str, (site, phone): &(WindowHandle, WindowHandle)) {
        self.browser.go_to(phone).await;
        self.browser.tap(&format!("#{button}")).await;
        self.browser.until("document.body.innerText.includes('Go back to the site')").await;
        self.browser.go_to(site).await;
    }

    /// Waits until the tab in front shows a path of the site.
    pub(crate) async fn arrive(&self, path: &str) {
        let url = format!("{}{path}", self.site.origin());
        self.browser.until(&format!("location.href === '{url}' && document.readyState === 'complete'")).await;
    }

    /// Waits until the page tells a state in these words.
    pub(crate) async fn hear(&self, words: &str) {
        self.browser.until(&format!("document.querySelector('[role=status]').textContent.includes('{words}')")).await;
    }

    /// Insists that the app greets by this name.
    pub(crate) async fn is_greeted(&self, name: &str) {
        let heading = self.browser.ask("return document.querySelector('h1').textContent").await;
        assert_eq!(heading, format!("Hello, {name}!"));
    }

    /// How often the app believes that this browser was there.
    pub(crate) async fn visits(&self) -> u64 {
        let visits = self.browser.ask("return Number(document.querySelector('#visits').textContent)").await;
        visits.as_u64().unwrap()
    }

    /// Insists that no page made the console complain, of its policy or anything else.
    pub(crate) async fn is_without_complaint(&self) {
        self.complains_of_nothing_but("nothing at all").await;
    }

    /// The same, but for lines that say this.
    pub(crate) async fn complains_of_nothing_but(&self, known: &str) {
        let console = self.browser.console().await;
        let complains = |line: &&String| line.starts_with("SEVERE") || line.contains("Content Security Policy");
        let complaints: Vec<_> = console.iter().filter(complains).filter(|line| !line.contains(known)).collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }

    /// Keeps a picture of the tab in front, if pictures are asked for.
    pub(crate) async fn picture(&self, name: &str) {
        screens::keep(&self.browser, name).await;
    }
}
