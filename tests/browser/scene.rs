//! A browser, the site that it logs in to, and the simulator that plays the phone.

use fantoccini::wd::WindowHandle;
use truegate::simulator::Simulator;

use crate::{
    site::Site,
    support::browser::{Browser, Looks},
};

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
        let truecaller = Simulator::start().await.unwrap();
        let link_base = truecaller.link_base();
        Self::set(looks, truecaller, &link_base).await
    }

    /// The button opens Truecaller's app, which is not there.
    ///
    /// A browser of a desktop then asks which program to use, in front of the page; on Android nothing happens, and
    /// the page keeps the focus.
    pub(crate) async fn without_app() -> Self {
        let truecaller = Simulator::start().await.unwrap();
        let scene = Self::set(&Looks::default(), truecaller, "truecallersdk://truesdk/web_verify").await;
        scene.browser.keep_focus().await;
        scene
    }

    async fn set(looks: &Looks, truecaller: Simulator, link_base: &str) -> Self {
        let site = Site::start(link_base, &truecaller).await;
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
        self.browser.tap("#truegate").await;
        (site, self.browser.go_to_new(&known).await)
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

    /// Insists that no page asked for what its policy forbids.
    pub(crate) async fn keeps_to_its_policy(&self) {
        let console = self.browser.console().await;
        assert!(!console.iter().any(|line| line.contains("Content Security Policy")), "{console:#?}");
    }
}
