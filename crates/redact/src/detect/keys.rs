//! Names of things: does what stands under this name need to be hidden?
//!
//! A name is split into words (`dbPasswd`, `DB_PASSWD`, `db-passwd` and `db.passwd` are two each) and
//! judged by its last words: what a name is about stands at its end, what it says about that thing
//! (`_count`, `_url`, `_expires_at`) behind it.

/// What a name says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    /// Nothing.
    Plain,
    /// It may be a secret: only a value that looks random is one.
    Maybe,
    /// It is a secret, whatever it looks like.
    Secret,
}

/// Words that are secrets as the last word of a name.
#[rustfmt::skip]
const SECRET: &[&str] = &[
    "password", "passwords", "passwd", "passwds", "passphrase", "passphrases", "passcode", "pwd",
    "pswd", "passw", "psw", "secret", "secrets", "token", "apikey", "apikeys", "privatekey",
    "secretkey", "accesskey", "authkey", "credential", "credentials", "cred", "creds",
    "authorization", "bearer", "cookie", "cookies", "jwt", "otp", "mnemonic", "passwort",
    "kennwort", "senha", "contrasena",
];

/// Endings of run-together names: `pgpassword`, `accesstoken`, `mysqlpwd`.
#[rustfmt::skip]
const SECRET_ENDS: &[&str] = &[
    "password", "passwd", "passphrase", "secret", "apikey", "token", "secretkey", "privatekey",
    "accesskey", "authkey", "accountkey", "sessionid", "sessid", "pwd",
];

/// What makes a `key` one that opens something.
#[rustfmt::skip]
const KEY_OF: &[&str] = &[
    "api", "access", "private", "priv", "secret", "encryption", "encrypt", "signing", "sign",
    "master", "account", "auth", "ssh", "deploy", "shared", "service", "client", "admin", "app",
    "application", "consumer", "write", "license", "webhook", "crypt", "crypto", "cipher", "hmac",
    "aes", "rsa", "jwt", "root", "management", "subscription", "integration", "seed", "recovery",
    "ingest", "restricted", "wallet", "decryption", "developer", "dev", "personal", "publishable",
];

/// What makes a `key` one that only names or orders something.
#[rustfmt::skip]
const KEY_FOR: &[&str] = &[
    "primary", "foreign", "public", "pub", "cache", "partition", "sort", "unique", "composite",
    "natural", "row", "hash", "object", "dict", "map", "index", "i18n", "translation", "s3",
    "bucket", "path", "file", "route", "node", "registry", "lookup", "idempotency", "host", "known",
    "column", "dedup", "shard", "range", "metric", "label", "trace", "build", "commit",
];

/// What a name ends in when its value tells something about a secret and is none.
#[rustfmt::skip]
const ABOUT: &[&str] = &[
    "id", "ids", "name", "names", "count", "counts", "length", "len", "size", "type", "types",
    "kind", "url", "urls", "uri", "endpoint", "path", "paths", "file", "files", "filename", "dir",
    "folder", "expiry", "expires", "expire", "expiration", "in", "at", "on", "ttl", "age",
    "lifetime", "timeout", "limit", "limits", "policy", "hint", "field", "fields", "label",
    "placeholder", "required", "enabled", "disabled", "optional", "version", "index", "idx",
    "algorithm", "alg", "format", "strength", "min", "max", "prefix", "suffix", "regex", "pattern",
    "ref", "reference", "budget", "usage", "used", "status", "state", "error", "errors", "manager",
    "store", "provider", "source", "rotation", "reset", "changed", "updated", "created", "date",
    "time", "timestamp", "scope", "scopes", "template", "class", "param", "params", "parameter",
    "header", "headers", "arn", "stream", "tree", "bucket", "ring", "board", "word", "words",
    "press", "code", "codes", "handler", "helper", "service", "server", "endpoints", "mode",
    "method", "rate", "price", "cost", "position", "offset", "pos", "span", "set", "map", "list",
    "parser", "generator", "validator", "validation", "check", "checker", "strategy", "env",
    "domain", "audience", "issuer", "fingerprint", "title", "description", "message", "text",
    "prompt", "visible", "present", "valid", "invalid", "verified", "ok",
];

/// What stands before `token` when it is a piece of a text or a number of them.
#[rustfmt::skip]
const TOKEN_OF_TEXT: &[&str] = &[
    "max", "min", "total", "prompt", "completion", "num", "number", "n", "input", "output", "used",
    "remaining", "per", "eos", "bos", "pad", "padding", "unk", "sep", "cls", "mask", "special",
    "stop", "peek", "lookahead", "is", "has", "syn", "lex", "lexer", "parse", "word", "sub",
    "context", "cached", "reasoning",
];

/// What stands before `pass` when it is a run over something.
#[rustfmt::skip]
const PASS_OF: &[&str] = &[
    "first", "second", "third", "last", "one", "two", "single", "multi", "render", "test", "tests",
    "by", "full", "optimization", "next", "high", "low", "band", "pre", "post", "per", "num", "n",
    "boarding", "did", "will", "all", "should", "must",
];

/// What makes the whole name a yes-or-no question.
#[rustfmt::skip]
const QUESTION: &[&str] = &[
    "is", "has", "have", "use", "uses", "no", "show", "hide", "needs", "need", "require",
    "requires", "allow", "allows", "enable", "enables", "disable", "skip", "with", "without",
    "forgot", "reset", "change", "confirm", "invalid", "missing", "can", "should", "must", "wants",
];

/// Trailing words that leave a name what it is: `PASSWORD_PROD`, `token_value`.
#[rustfmt::skip]
const NEUTRAL: &[&str] = &[
    "prod", "production", "dev", "test", "staging", "stage", "live", "old", "new", "value", "val",
    "str", "string", "b64", "base64", "plain", "plaintext", "raw", "default", "current", "hex",
    "primary", "secondary", "backup", "main", "local", "encoded", "data", "ro", "rw",
];

/// Longer names are cut to their last bytes: what they are about stands at the end.
const LONGEST: usize = 80;

/// Judges a name.
pub(crate) fn judge(name: &[u8]) -> Named {
    // A mark speaks of secrets too, and is none.
    let name = crate::mark::find(name, b"[redacted:")
        .and_then(|mark| name.get(..mark))
        .unwrap_or(name);
    let tail = name
        .get(name.len().saturating_sub(LONGEST)..)
        .unwrap_or(name);
    let mut words = words(tail);
    while let Some(last) = words.last() {
        let number = last.bytes().all(|byte| byte.is_ascii_digit());
        if words.len() > 1 && (number || NEUTRAL.contains(&last.as_str())) {
            words.pop();
        } else {
            break;
        }
    }
    let words: Vec<&str> = words
        .iter()
        .map(|word| word.trim_end_matches(|digit: char| digit.is_ascii_digit()))
        .collect();
    let Some((last, before)) = words.split_last() else {
        return Named::Plain;
    };
    judge_words(last, before)
}

fn judge_words(last: &str, before: &[&str]) -> Named {
    let prior = before.last().copied().unwrap_or_default();
    if QUESTION.contains(&before.first().copied().unwrap_or_default()) && before.len() < 3 {
        return Named::Plain;
    }
    match last {
        "token" if TOKEN_OF_TEXT.contains(&prior) => Named::Plain,
        "token"
            if matches!(
                prior,
                "next" | "prev" | "previous" | "page" | "current" | "continuation"
            ) =>
        {
            Named::Maybe
        }
        "tokens" if TOKEN_OF_TEXT.contains(&prior) => Named::Plain,
        "tokens" | "keys" | "auth" | "session" | "sid" | "signature" | "sig" | "webhook"
        | "salt" | "hash" | "dsn" | "cert" | "license" | "seed" | "hmac" | "code" => {
            if matches!(last, "hash" | "code") && !before.iter().any(|word| SECRET.contains(word)) {
                Named::Plain
            } else if last == "keys" && KEY_OF.contains(&prior) {
                Named::Secret
            } else {
                Named::Maybe
            }
        }
        "key" if KEY_OF.contains(&prior) => Named::Secret,
        "key" if KEY_FOR.contains(&prior) => Named::Plain,
        "key" => Named::Maybe,
        "id" if matches!(prior, "session" | "sess" | "secret") => Named::Secret,
        "pass" | "pw" if PASS_OF.contains(&prior) => Named::Plain,
        "pass" | "pw" if !before.is_empty() => Named::Secret,
        "pass" | "pw" | "pin" => Named::Maybe,
        // The shell's working folder.
        "pwd" if matches!(prior, "old") => Named::Plain,
        "oldpwd" => Named::Plain,
        _ if SECRET.contains(&last) => Named::Secret,
        _ if SECRET_ENDS.iter().any(|end| last.ends_with(end)) => Named::Secret,
        _ if ABOUT.contains(&last) => Named::Plain,
        _ if before.iter().any(|word| SECRET.contains(word)) => Named::Maybe,
        _ => Named::Plain,
    }
}

/// Lower-case words of a name.
fn words(name: &[u8]) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut bytes = name.iter().copied().peekable();
    let mut before = 0u8;
    while let Some(byte) = bytes.next() {
        if !byte.is_ascii_alphanumeric() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            before = 0;
            continue;
        }
        let next_is_lower = bytes.peek().is_some_and(u8::is_ascii_lowercase);
        let hump = byte.is_ascii_uppercase()
            && (before.is_ascii_lowercase()
                || before.is_ascii_digit()
                || (before.is_ascii_uppercase() && next_is_lower));
        if hump && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        word.push(char::from(byte.to_ascii_lowercase()));
        before = byte;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "password",
            "PASSWORD",
            "dbPassword",
            "DB_PASSWD",
            "db-pwd",
            "PGPASSWORD",
            "passphrase",
            "secret",
            "client_secret",
            "clientSecret",
            "token",
            "accessToken",
            "refresh_token",
            "authtoken",
            "api_key",
            "apiKey",
            "APIKey",
            "X-Api-Key",
            "APIKEY",
            "access key",
            "aws_secret_access_key",
            "private_key",
            "privateKey",
            "credentials",
            "Authorization",
            "Cookie",
            "Set-Cookie",
            "sessionid",
            "session_id",
            "bearer",
            "smtp_pass",
            "DB_PASS",
            "encryption-key",
            "webhook_secret",
            "spring.datasource.password",
            "password1",
            "PASSWORD_PROD",
            "token_2",
            "signingKey",
            "_authToken",
            "account_key",
        ] {
            assert_eq!(judge(name.as_bytes()), Named::Secret, "{name}");
        }
    }

    #[test]
    fn names_that_are_harmless() {
        for name in [
            "author",
            "authority",
            "keyboard",
            "primary_key",
            "key_length",
            "max_tokens",
            "token_count",
            "tokenizer",
            "monkey",
            "compass",
            "passenger",
            "foreign_key",
            "public_key",
            "prompt_tokens",
            "tokenize",
            "secretary",
            "password_length",
            "token_type",
            "token_url",
            "expires_in",
            "access_key_id",
            "has_password",
            "is_secret",
            "keynote",
            "turkey",
            "hockey",
            "bypass",
            "first_pass",
            "cache_key",
            "token_expires_at",
            "password_policy",
            "cookie_name",
            "user",
            "name",
            "OLDPWD",
            "keyword",
            "keystroke",
            "passed",
            "tests_passed",
            "eos_token",
            "",
            "_",
            "42",
        ] {
            assert_eq!(judge(name.as_bytes()), Named::Plain, "{name}");
        }
    }

    #[test]
    fn names_that_may_be_either() {
        for name in [
            "key",
            "tokens",
            "auth",
            "session",
            "AIRTABLE_KEY",
            "next_token",
            "pass",
        ] {
            assert_eq!(judge(name.as_bytes()), Named::Maybe, "{name}");
        }
    }
}
