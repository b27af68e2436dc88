//! How hard a callback path is to guess.

/// Returns whether a path has a segment that nobody can guess: its entropy is at least [`MINIMUM`] by a careful estimate.
///
/// Random text of 20 hexadecimal digits, or of 16 characters of base64url, mostly is; words, dates, repetitions and runs
/// of the keyboard are not, however long they are.
pub(super) fn is_unguessable(path: &str) -> bool {
    path.split('/').any(|segment| worth(segment) >= MINIMUM)
}

/// Returns the entropy of a segment, in tenths of a bit, by its length and its alphabet, without the parts that look like words.
///
/// zxcvbn would know real words, but its estimate ends at 64 bits, which any long enough sentence reaches.
fn worth(segment: &str) -> usize {
    let class = |byte: &u8| (byte.is_ascii_alphabetic(), byte.is_ascii_digit());
    let runs = segment.as_bytes().chunk_by(|one, next| class(one) == class(next));
    let random: Vec<u8> =
        runs.filter(|run| run[0].is_ascii_alphanumeric() && !is_word(run)).flatten().copied().collect();
    if is_regular(&random) { 0 } else { random.len() * alphabet(&random) }
}

/// Whether letters or digits follow each other as in a word or a sequence. Of random letters, one pair in eight does.
fn is_word(run: &[u8]) -> bool {
    let run = run.to_ascii_lowercase();
    let pairs = run.len() - 1;
    let common = run.windows(2).filter(|pair| COMMON.as_bytes().chunks(3).any(|common| &common[..2] == *pair)).count();
    let in_sequence = |pair: &[u8]| SEQUENCES.iter().any(|sequence| sequence.windows(2).any(|next| next == pair));
    let regular = run.windows(2).filter(|pair| pair[0] == pair[1] || in_sequence(pair)).count();
    pairs > 1 && (common * 3 >= pairs || regular * 2 > pairs)
}

/// Whether text repeats itself (`a1b2a1b2…`), or counts with something in between (`a1b2c3…`).
fn is_regular(text: &[u8]) -> bool {
    let mut triples: Vec<_> = text.windows(3).collect();
    let (all, counting) = (triples.len(), triples.iter().filter(|triple| triple[2] == triple[0] + 1).count());
    triples.sort_unstable();
    triples.dedup();
    triples.len() * 5 < all * 4 || counting * 3 > text.len()
}

/// Returns the entropy of each character of random text, in tenths of a bit, by the smallest alphabet that has all of them.
fn alphabet(text: &[u8]) -> usize {
    let all = |class: fn(&u8) -> bool| text.iter().all(class);
    let any = |class: fn(&u8) -> bool| text.iter().any(class);
    let is_hex = all(u8::is_ascii_hexdigit) && !(any(u8::is_ascii_lowercase) && any(u8::is_ascii_uppercase));
    match (any(u8::is_ascii_lowercase) && any(u8::is_ascii_uppercase), any(u8::is_ascii_digit)) {
        (false, true) if all(u8::is_ascii_digit) => 33,
        _ if is_hex => 40,
        (false, false) => 47,
        (false, true) => 51,
        (true, false) => 57,
        (true, true) => 59,
    }
}

/// 64 bits, as the least that OWASP asks of a session id.
const MINIMUM: usize = 640;

/// The pairs of letters that English words are mostly made of.
const COMMON: &str = "th he in er an re nd at on nt ha es st en ed to it ou ea hi is or ti as te et ng of al de se le sa \
    si ar ve ra ld ur ro ic me ec ne io ll be co ma om li ch la ho ct ri ca ce ta ac no us el ck am pa il em ai ay ba wo \
    wh we eb oo ok ot do so pr un gu up mo da by ";

const SEQUENCES: [&[u8]; 6] =
    [b"abcdefghijklmnopqrstuvwxyz", b"0123456789", b"9876543210", b"qwertyuiop", b"asdfghjkl", b"zxcvbnm"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_text_is_unguessable_wherever_it_stands() {
        for path in [
            "/9c1f4e7ab02d5836fe91",
            "/hooks/3f9a1c7e5b2d8046af13c95e7d204b68",
            "/hooks/0f8fad5b-d9cd-469f-a165-70867728950e",
            "/truecaller/callback-x7Kq2vNf9TzR4mWb6pLd",
            "/Yk3vT9qL2mXr7bN5/callback",
            "/truecaller/dQw4w9WgXcQ_8hJk-Lm2Pv7",
            "/nb2gk3dpebsxg5dsnfxgyidjom",
            "/truecaller/xqzvkwjyfhxbgmqpwzkvjrtx",
        ] {
            assert!(is_unguessable(path), "{path}");
        }
    }

    #[test]
    fn what_people_make_up_is_guessable() {
        for path in [
            "/",
            "/truecaller/callback",
            "/truecaller/callback-7f3a",
            "/truecaller/callback-7f3a9c21b4d8",
            "/hooks/unguessable-4f1c",
            "/truecaller/callback/webhook/endpoint/v1/production/shop",
            "/this-is-our-very-secret-callback-path-for-truecaller",
            "/thisisourverysecretcallbackpathfortruecaller",
            "/MySuperSecretTruecallerWebhookDoNotShare",
            "/truecaller-callback-webhook-endpoint-7f3a9c21",
            "/correct-horse-battery-staple-window-orange",
            "/Callback2024Secret1234Truecaller",
            "/change-me-change-me-change-me-change-me",
            "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "/x7x7x7x7x7x7x7x7x7x7x7x7x7x7x7x7",
            "/a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6",
            "/abc123abc123abc123abc123abc123abc123",
            "/0123456789abcdef0123456789abcdef",
            "/deadbeefdeadbeefdeadbeefdeadbeef",
            "/qwertyuiopasdfghjklzxcvbnm1234567890",
            "/1234567890123456789012345678901234567890",
            "/00000000-0000-0000-0000-000000000000",
            "/----------------------------------------",
            "/.,:@!$&'()*+=~.,:@!$&'()*+=~.,:@!$&'()",
        ] {
            assert!(!is_unguessable(path), "{path}");
        }
    }
}
