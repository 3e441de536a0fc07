//! What broke elsewhere; the numbers are those of the page of lessons.

use super::{leaks, redactor, shown};

#[test]
fn lesson_f1_our_mark_in_content_to_write_is_found() {
    let read = shown("HOST=db\nDB_PASSWORD=c0rrect-h0rse-battery\n");
    let at = redactor().own_mark(read.as_bytes()).expect("a mark");
    assert!(read[at.clone()].starts_with("[redacted:secret:"));
    assert_eq!(at.end, read.trim_end().len());
}

#[test]
fn lesson_f1_a_forged_mark_is_text() {
    for text in [
        "[redacted:secret:0123456789-abcdef]",
        "[redacted:secret:abcdef]",
        "[redacted:]",
        "[redacted:secret",
        "docs: marks look like [redacted:RULE:TAG-CHECK]",
    ] {
        assert_eq!(redactor().own_mark(text.as_bytes()), None, "{text}");
    }
    // A secret dressed as a mark is hidden like any other.
    let token = format!("ghp_{}", "4fK9xQ2mZ7vT1bN8cR5yW3pL6hJ0gD4fK9xQ");
    assert!(!leaks(
        &shown(&format!("[redacted:secret:{token}]")),
        &token
    ));
}

#[test]
fn lesson_f2_no_head_and_no_tail_of_a_token_stays() {
    let body = "S1fK9xQ2mZ7vT1bN8cR5yW3pL6hJ0gD4Pn2T";
    let redacted = shown(&format!("export GH=ghp_{body} && run"));
    for piece in ["ghp_", "S1fK", "Pn2T"] {
        assert!(!redacted.contains(piece), "{redacted}");
    }
}

#[test]
fn lesson_f3_redaction_gives_a_view_and_leaves_its_input() {
    let code = String::from("url = f\"postgres://{user}:{password}@{host}/db\"\n");
    let before = code.clone();
    let view = redactor().text(&code);
    assert_eq!(code, before);
    assert_eq!(view.value(), &before, "and this one is code, not a secret");
}

/// Source, logs and lock files that speak of secrets and hold none.
const BENIGN: &[&str] = &[
    "password: String,",
    "pub token: Option<Token>,",
    "let token = next_token();",
    "let token = self.lexer.next_token()?;",
    "token = tokens[0]",
    "if password == other.password {",
    "password = getpass.getpass(\"Password: \")",
    "api_key = os.environ[\"API_KEY\"]",
    "const token = process.env.GITHUB_TOKEN;",
    "password: ${DB_PASSWORD}",
    "password: ${{ secrets.DB_PASSWORD }}",
    "PASSWORD=$PASSWORD ./run",
    "curl -u \"$USER:$PASS\" https://x",
    "password=<your-password>",
    "password: ********",
    "Password: [REDACTED]",
    "def login(username: str, password: str) -> Token:",
    "fn contains_token(&self, token: &'_ Token<'_>) -> bool {",
    "pub const SO_COOKIE: c_int = 0x003b;",
    "pub lt_token: Option<Token![<]>,",
    "impl ContainsToken<&'_ Token<'_>> for TokenKind {",
    "prompt_tokens=2173 max_tokens=711 token_count: 1499",
    "primary_key: id, foreign_key: user_id, key_length=2048",
    "\"minipass\": \"^7.1.2\", \"parse-passwd\": \"^1.0.0\", \"js-tokens\": \"^4.0.0\"",
    "traceparent: 00-7415dc9599ec5d8a10b4730714a94a42-2a499718dbcfc711-01",
    "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "Digest: sha256:93567d8463f6de0f103369eecf4f547fc293a7fdb691c68a5244805bfcb6de11",
    "checksum = \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
    "pod/api-2ea89efa03-2crgx Running",
    "<script src=\"/static/app.85a8ca2f573d80a10834.js\"></script>",
    "Primary key fingerprint: 1763 3429 1C31 4B8A D99F  0D5C D35C E0EF 0FDA 58A7",
    "test auth::tests::rejects_expired_token ... ok",
    "error: invalid token: expected `;`, found `}`",
    "the password must be at least 12 characters",
    "Forgot your password? Reset it here.",
    "PWD=/home/ann OLDPWD=/srv",
    "git clone git@github.com:acme/repo.git",
    "https://example.com/@scope/package@1.2.3",
    "mail ann@example.com, port 8080:80",
    "docker run -u 1000:1000 app",
    "auth: none, session: 12, key: name",
    "r\"^password=\\w{8,}$\"",
    "keyboard shortcuts, monkey patches, compass bearings, secretary, passenger, tokenizer",
];

#[test]
fn lesson_f4_harmless_text_stays_as_it_is() {
    for text in BENIGN {
        assert_eq!(shown(text), *text);
    }
    let whole = BENIGN.join("\n");
    assert_eq!(shown(&whole), whole);
}

#[test]
fn lesson_f5_a_planted_secret_is_nowhere_in_the_record() {
    let secret = "pl4nted-Secret-0815";
    let scope = redactor().scoped();
    let record = [
        scope
            .json(&serde_json::json!({ "password": secret, "argv": ["x", "--token", secret] }))
            .into_value()
            .to_string(),
        scope.text(&format!("failed with {secret}")).into_value(),
        scope.text(&format!("dir/{secret}/file")).into_value(),
        scope
            .json(&serde_json::json!({ "error": format!("bad {secret}"), secret: 1 }))
            .into_value()
            .to_string(),
    ];
    for text in record {
        assert!(!leaks(&text, secret), "{text}");
    }
}

#[test]
fn lesson_f7_after_colour_codes_escapes_and_in_basic() {
    let token = format!("ghp_{}", "4fK9xQ2mZ7vT1bN8cR5yW3pL6hJ0gD4fK9xQ");
    for text in [
        format!("\u{1b}[32m{token}\u{1b}[0m"),
        format!("\u{1b}[1;38;5;208m{token}"),
        format!("\\u001b[32m{token}\\u001b[0m"),
        format!("{{\"out\":\"\\u001b[32m{token}\\u001b[0m\"}}"),
        format!("a\\n{token}\\nb"),
        format!("a\n{token}\nb"),
        format!("{{\"out\":\"a\\n{token}\\n\"}}"),
        format!("x%3D{token}"),
        // A code left open takes the token's first letter along; a title and a link's address are never shown.
        format!("\u{1b}[0 {token} "),
        format!("\u{1b}]0;build {token}\u{7}"),
        format!("\u{1b}]8;;https://example.com/{token}\u{1b}\\log\u{1b}]8;;\u{1b}\\"),
        // Almost JSON: an escape that is none, a raw control character, a bare word.
        format!("{{\"out\":\"a\\p {token} b\"}}"),
        format!("{{\"out\":\"a\\n\u{14} {token} b\"}}"),
        "{\"out\":AKIA4FKXQ2MZ7VTBN5CA}".to_owned(),
    ] {
        let token = if text.contains("AKIA") {
            "AKIA4FKXQ2MZ7VTBN5CA"
        } else {
            token.as_str()
        };
        assert!(!leaks(&shown(&text), token), "{text:?}");
    }
    // bot:c4tchIcat55
    for text in [
        "Authorization: Basic Ym90OmM0dGNoSWNhdDU1",
        "{\"h\":\"Authorization: Basic Ym90OmM0dGNoSWNhdDU1\"}",
        "> Proxy-Authorization: Basic Ym90OmM0dGNoSWNhdDU1\\r\\n",
        "retry with Basic Ym90OmM0dGNoSWNhdDU1 failed",
    ] {
        assert!(!leaks(&shown(text), "Ym90OmM0dGNoSWNhdDU1"), "{text}");
    }
}
