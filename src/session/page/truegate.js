(() => {
	const base = new URL('.', document.currentScript['src']).href;
	const ends = ['verified', 'refused', 'another_number', 'failed', 'expired'];
	const agent = navigator.userAgent;
	const onAndroid = /android/i.test(agent + ((navigator['userAgentData'] || {}).platform || ''));
	// With an intent, Chromium and its web views come back at once if the app is missing.
	const intents = onAndroid && /chrome\//i.test(agent);
	const tabs = window['BroadcastChannel'] ? new BroadcastChannel('truegate') : {};
	const call = async (path, options) => {
		const answer = await fetch(base + path, { credentials: 'same-origin', ...options });
		if (!answer.ok) throw answer;
		return answer.json();
	};
	const kept = () => JSON.parse(sessionStorage.truegate || '{}');

	/**
	 * Logs in with Truecaller when a link or a button is tapped. `onState` gets the states of docs/sessions.md.
	 * @param {any} button
	 * @param {{onState: (state: string) => void, next?: string, anyway?: boolean}} options next: a page
	 */
	function login(button, { onState, next, anyway }) {
		let ready, current, state, timer, pause = 0, due = 0, hurry = () => {};

		const say = now => now === state || onState(state = now);
		const prepareIn = ms => {
			due = Date.now() + ms;
			clearTimeout(timer);
			timer = setTimeout(prepare, ms);
		};
		const end = how => {
			delete sessionStorage.truegate;
			ready = current = null;
			button.setAttribute('aria-disabled', true);
			prepareIn(how === 'verified' ? 3e3 : 300);
			say(how);
		};

		async function prepare() {
			if (current || document.hidden) return;
			prepareIn(1e4);
			try {
				const { request_id: id, expires_in: seconds, deep_link, intent_link } = await call('login', {
					method: 'POST',
					headers: { 'Content-Type': 'application/json' },
					body: JSON.stringify({ next }),
				});
				const isPage = /^http/.test(deep_link);
				const back = `S.browser_fallback_url=${encodeURIComponent(location.href)};end`;
				const href = intents && !isPage ? intent_link.replace(/end$/, back) : deep_link;
				ready = { id, until: Date.now() + seconds * 1e3, hash: location.hash };
				button.removeAttribute('aria-disabled');
				Object.assign(button, { href, rel: 'noopener', target: isPage ? '_blank' : '', hidden: false });
				prepareIn(seconds * 800);
				if (!state || state === 'unavailable') say(isPage || onAndroid || anyway ? 'ready' : 'wrong_device');
			} catch ({ headers }) {
				if (!current) say('unavailable');
				if (headers) prepareIn((headers.get('Retry-After') || 10) * 1e3);
			}
		}

		// An app takes the focus. A page that keeps it for two seconds opened no app; one that got it back waits ten.
		function look(login) {
			let looks = 0, enough = 4;
			const looking = setInterval(() => {
				if (document.hasFocus() && !document.hidden) looks++;
				else looks = 0, enough = 20;
				if (current !== login || state !== 'pending') clearInterval(looking);
				else if (looks >= enough) say('no_app');
			}, 500);
		}

		async function follow(login, resumed) {
			current = login;
			hurry();
			say('pending');
			look(login);
			const path = `status?request_id=${encodeURIComponent(login.id)}&wait=25&since=`;
			for (let since = state, heard; !ends.includes(since); since = heard) {
				const abort = new AbortController();
				hurry = () => { pause = 0; abort.abort(); };
				try {
					heard = (await call(path + since, { signal: abort.signal })).state;
					pause = 99;
				} catch (error) {
					heard = Date.now() > login.until ? 'expired' : since;
				}
				if (current !== login) return;
				if (ends.includes(heard)) {
					end(resumed && heard === 'expired' ? 'ready' : heard);
					if (heard === 'verified' && tabs.postMessage) tabs.postMessage(heard);
				} else if (heard !== since) say(heard);
				else await new Promise(done => setTimeout(abort.signal.onabort = done, pause));
				pause = Math.min(pause * 2 || 500, 8e3);
			}
		}

		const back = () => {
			if (!document.hidden) hurry();
			if (Date.now() > due) prepare();
		};
		for (const event of ['visibilitychange', 'pageshow', 'online']) addEventListener(event, back);
		tabs.onmessage = () => { hurry(); end('verified'); };

		button.addEventListener('click', event => {
			if (!ready) return event.preventDefault();
			sessionStorage.truegate = JSON.stringify(ready); // Android may reload the tab.
			follow({ ...ready });
			if (!button.matches('a')) location.href = button.href;
		});

		prepare();
		const left = kept();
		if (left.until > Date.now()) follow(left, true);
		else delete sessionStorage.truegate;
	}

	window['truegate'] = { login };

	const page = document.querySelector('[data-truegate-login]');
	if (!page) return;
	const { next, fallback, again } = page['dataset'];
	const label = page.textContent, hash = location.hash || kept().hash || '';
	const anyway = document.querySelector('[data-truegate-anyway]');
	const other = document.querySelector('.other a');
	if (other) other['href'] += hash;
	let leaving, left; // Leaves once: a login that is heard of in two ways would ask the app twice.
	const leave = to => left || location.replace(left = to.includes('#') ? to : to + hash);
	const onState = state => {
		const ended = ends.includes(state);
		document.documentElement.dataset.state = state;
		document.querySelector('[role=status]').textContent = page.getAttribute('data-' + state);
		if (again) page.textContent = ended || state === 'no_app' ? again : label;
		clearTimeout(leaving);
		if (state === 'verified') leave(next);
		else if (fallback && ended) leave(fallback);
		else if (fallback && state === 'no_app') leaving = setTimeout(() => document.hasFocus() && leave(fallback), 3e3);
	};
	const start = () => {
		onState('preparing');
		login(page, { onState, next, anyway: !!anyway });
	};

	// Another tab may have logged in while this one slept. The page then goes on.
	const look = async () => {
		const answer = document.hidden || await fetch(base + 'login', { method: 'HEAD', redirect: 'manual' });
		if (answer.type === 'opaqueredirect') onState('verified');
	};
	for (const event of ['visibilitychange', 'focus']) addEventListener(event, () => look().catch(() => {}));
	addEventListener('pageshow', event => event.persisted && location.reload());

	if ('opensApp' in page['dataset'] && !onAndroid && anyway && !sessionStorage.truegate) {
		onState('wrong_device');
		anyway['onclick'] = start;
	} else start();
})();
