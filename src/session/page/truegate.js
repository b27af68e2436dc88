(() => {
	const base = new URL('.', document.currentScript['src']).href;
	const ends = ['verified', 'refused', 'another_number', 'failed', 'expired'];
	const call = async (path, options) => {
		const answer = await fetch(base + path, { credentials: 'same-origin', ...options });
		if (!answer.ok) throw answer;
		return answer.json();
	};

	/**
	 * Logs in with Truecaller when a link or a button is tapped. `onState` hears
	 * - ready: it can be tapped; unavailable: not yet, another try follows;
	 * - pending: it was tapped; no_app: no app came yet; opened: the app asks;
	 * - one end: verified, refused, another_number, failed, expired.
	 * @param {any} button
	 * @param {{onState: (state: string) => void, next?: string}} options next: a path
	 */
	function login(button, { onState, next }) {
		let ready, current, state, timer, pause = 0, due = 0, hurry = () => {};

		const say = now => now === state || onState(state = now);
		const prepareIn = ms => {
			due = Date.now() + ms;
			clearTimeout(timer);
			timer = setTimeout(prepare, ms);
		};
		const carry = (id, href, seconds) => {
			ready = { id, until: Date.now() + seconds * 1e3 };
			Object.assign(button, { href, rel: 'noopener', target: /^http/.test(href) ? '_blank' : '', hidden: false });
			prepareIn(seconds * 800);
		};

		async function prepare() {
			if (current || document.hidden) return;
			prepareIn(1e4);
			try {
				const login = await call('login', {
					method: 'POST',
					headers: { 'Content-Type': 'application/json' },
					body: JSON.stringify({ next }),
				});
				carry(login.request_id, login.deep_link, login.expires_in);
				if (!state || state === 'unavailable') say('ready');
			} catch ({ headers }) {
				if (!current) say('unavailable');
				if (headers) prepareIn((headers.get('Retry-After') || 10) * 1e3);
			}
		}

		async function follow(login, resumed) {
			current = login;
			hurry();
			say('pending');
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
					delete sessionStorage.truegate;
					ready = current = null;
					prepareIn(1e3);
				}
				if (heard !== since) say(resumed && heard === 'expired' ? 'ready' : heard);
				else await new Promise(done => setTimeout(abort.signal.onabort = done, pause));
				pause = Math.min(pause * 2 || 500, 8e3);
			}
		}

		const back = () => {
			if (!document.hidden) hurry();
			if (Date.now() > due) prepare();
		};
		for (const event of ['visibilitychange', 'pageshow', 'online']) addEventListener(event, back);

		button.addEventListener('click', event => {
			if (!ready) return event.preventDefault();
			sessionStorage.truegate = JSON.stringify(ready); // Android may reload the tab.
			follow({ ...ready });
			setTimeout(() => state === 'pending' && document.hasFocus() && say('no_app'), 600);
			if (!button.matches('a')) location.href = button.href;
		});

		prepare();
		const left = JSON.parse(sessionStorage.truegate || '{}');
		if (left.until > Date.now()) follow(left, true);
	}

	window['truegate'] = { login };

	const page = document.querySelector('[data-truegate-login]');
	if (!page) return;
	const { next, fallback } = page['dataset'];
	let leaving;
	const onState = state => {
		document.querySelector('[role=status]').textContent = page.getAttribute('data-' + state);
		clearTimeout(leaving);
		if (state === 'verified') location.replace(next);
		else if (ends.includes(state)) location.replace(fallback);
		else if (state === 'no_app') leaving = setTimeout(() => document.hasFocus() && location.replace(fallback), 2000);
	};
	login(page, { onState, next });
})();
