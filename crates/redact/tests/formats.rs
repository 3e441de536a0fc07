//! Each known format by what it must hide and what it must leave.

use super::{leaks, redactor, shown};

const A: &str = "4fK9xQ2mZ7vT1bN8cR5yW3pL6hJ0gD";
const HEX: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// Rule, prefix, length of what follows, whether it is hexadecimal. Put together at run time, so that
/// no scanner takes this file for a leak.
#[rustfmt::skip]
const TOKENS: &[(&str, &str, usize, bool)] = &[
    ("github-token", "ghp_", 36, false), ("github-token", "gho_", 36, false),
    ("github-token", "ghu_", 36, false), ("github-token", "ghs_", 36, false),
    ("github-token", "ghr_", 36, false), ("github-token", "github_pat_", 82, false),
    ("gitlab-token", "glpat-", 20, false), ("gitlab-token", "glrt-", 20, false),
    ("slack-token", "xoxb-123456789012-123456789012-", 24, false),
    ("slack-token", "xoxp-123456789012-", 40, false), ("slack-token", "xapp-1-A0123-", 40, false),
    ("slack-webhook", "https://hooks.slack.com/services/T00000001/B00000001/", 24, false),
    ("stripe-key", "sk_live_", 24, false), ("stripe-key", "rk_live_", 24, false),
    ("google-api-key", "AIza", 35, false), ("google-oauth", "ya29.", 60, false),
    ("openai-key", "sk-", 48, false), ("openai-key", "sk-proj-", 60, false),
    ("anthropic-key", "sk-ant-api03-", 93, false), ("npm-token", "npm_", 36, false),
    ("pypi-token", "pypi-AgEIcHlwaS5vcmc", 80, false), ("twilio-key", "SK", 32, true),
    ("huggingface-token", "hf_", 34, false), ("digitalocean-token", "dop_v1_", 64, true),
    ("mailgun-key", "key-", 32, true), ("shopify-token", "shpat_", 32, true),
    ("linear-key", "lin_api_", 40, false), ("databricks-token", "dapi", 32, true),
    ("vault-token", "hvs.", 90, false), ("discord-webhook", "https://discord.com/api/webhooks/123456789012345678/", 68, false),
    ("docker-token", "dckr_pat_", 27, false), ("groq-key", "gsk_", 52, false),
    ("replicate-token", "r8_", 37, false), ("sentry-token", "sntrys_", 60, false),
    ("new-relic-key", "NRAK-", 27, false), ("grafana-token", "glc_", 60, false),
    ("figma-token", "figd_", 40, false), ("postman-key", "PMAK-", 59, true),
    ("tailscale-key", "tskey-auth-", 30, false), ("doppler-token", "dp.pt.", 43, false),
    ("atlassian-token", "ATATT3", 180, false), ("rubygems-key", "rubygems_", 48, true),
];

fn token(prefix: &str, length: usize, hex: bool) -> String {
    let body = if hex { HEX } else { A };
    let body: String = body.chars().cycle().take(length).collect();
    format!("{prefix}{body}")
}

/// Tokens with a shape of their own.
fn shaped() -> Vec<(&'static str, String)> {
    let base32 = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE";
    vec![
        ("aws-access-key", ["AKIA", "Z7VTQ2BNXC5RYW3P"].concat()),
        ("aws-access-key", ["ASIA", "Z7VTQ2BNXC5RYW3P"].concat()),
        ("sendgrid-key", format!("SG.{}.{}", &A[..22], A.repeat(2)[..43].to_owned())),
        ("age-key", ["AGE-SECRET-KEY-1", base32].concat()),
        ("telegram-token", format!("123456789:AA{}", A.repeat(2)[..33].to_owned())),
        (
            "jwt",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
                .to_owned(),
        ),
        (
            "private-key",
            format!(
                "-----BEGIN {kind}-----\n{A}{A}\n{A}\n-----END {kind}-----",
                kind = "OPENSSH PRIVATE KEY"
            ),
        ),
    ]
}

fn all() -> Vec<(&'static str, String)> {
    let mut all = shaped();
    all.extend(
        TOKENS
            .iter()
            .map(|(rule, prefix, length, hex)| (*rule, token(prefix, *length, *hex))),
    );
    all
}

#[test]
fn at_least_twenty_formats_are_told_by_name() {
    let names: std::collections::BTreeSet<_> = all().into_iter().map(|(rule, _)| rule).collect();
    assert!(names.len() >= 20, "{}", names.len());
}

#[test]
fn every_format_is_hidden_wherever_it_stands() {
    for (rule, token) in all() {
        for around in [
            "{}",
            "see {} here",
            "\"{}\"",
            "x={}",
            "({})",
            "\u{1b}[32m{}\u{1b}[0m",
            "line\\n{}\\nline",
            "line\n{}\nline",
            "{\"a\":[\"{}\"]}",
            "> `{}`",
            "é{}é",
        ] {
            let text = around.replace("{}", &token);
            let redacted = redactor().text(&text);
            // The rule's name may share letters with the token's prefix.
            let left = redacted.value().replace(&format!("[redacted:{rule}:"), "");
            assert!(!leaks(&left, &token), "{rule} in {around:?}: {left}");
            assert!(
                redacted.value().contains(&format!("[redacted:{rule}:")),
                "{rule} in {around:?}: {}",
                redacted.value()
            );
        }
    }
}

#[test]
fn a_format_leaves_one_mark_with_and_without_its_name() {
    for (rule, token) in all() {
        if rule == "private-key" {
            continue;
        }
        let bare = shown(&token);
        assert_eq!(
            shown(&format!("api_key = \"{token}\"")),
            format!("api_key = \"{bare}\""),
            "{rule}"
        );
        let json = redactor().json(&serde_json::json!({ "api_key": token, "note": token }));
        assert_eq!(json.value()["api_key"], bare.as_str(), "{rule}");
        assert_eq!(json.value()["note"], bare.as_str(), "{rule}");
    }
}

#[test]
fn what_only_looks_like_a_token_stays() {
    for text in [
        "task-notification-handler-list-item-x",
        "risk-assessment-summary-report-2026",
        "ghp_short",
        "an xghp_4fK9xQ2mZ7vT1bN8cR5yW3pL6hJ0gD4fK9xQ",
        "AKIAEXAMPLE",
        "key-value-store-implementation-details",
        "SKIP_ALL_OF_THE_TESTS_IN_THIS_FOLDER",
        "sk_FOO_num(sk)",
        "eyJust.a.word",
        "npm_config_registry",
        "-----BEGIN CERTIFICATE-----\nMIIB9f86d081884c7d659a2feaa0c55ad015\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\n9f86d081884c7d659a2feaa0c55ad015\n-----END PUBLIC KEY-----",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "\"integrity\": \"sha512-OHDJnIWeGRBmp0u6pEnFmWavFfQ5CT6ssIf6F9VIye6ZtU8iiHufGNMaFlDHsSzK5g==\"",
        "00-7415dc9599ec5d8a10b4730714a94a42-2a499718dbcfc711-01",
        "550e8400-e29b-41d4-a716-446655440000",
    ] {
        assert_eq!(shown(text), text);
    }
}

#[test]
fn a_private_key_without_its_end_is_hidden_as_far_as_it_goes() {
    let text = format!("key:\n-----BEGIN RSA PRIVATE KEY-----\n{A}{A}\n{A}{A}\n");
    let redacted = shown(&text);
    assert!(!leaks(&redacted, A), "{redacted}");
}

/// What a diff shows of a key is seldom all of it.
#[test]
fn a_piece_of_a_private_key_is_hidden_without_its_begin_line() {
    let lines = [
        "nA0zQKAguLHCKFcwucgzT8qyoIs+sO5P8INEJNOBPhRcxb2gftnZxzs3zN1yXe2x",
        "VaGa6e8XqP3/nUCtaZHCAVPMsBAbI+v660eEjPKdZgMmXJTy/drxEpFoqbOchRAL",
        "N3Qfvxx7TtMggxN+JCEJdG6AniqACsAKd+QnqcuT1+5+0ADW0sdy4vcf+TOZItaL",
        "e8brhn37QZ5mzp0zSjhEVCNGhurXKfh7UX0rKP8QCwKBgQDeHHmAiyQE+hELnifK",
    ];
    let [a, b, c, d] = lines;
    let tail = "dnsTiFC4txEayW2ynSs/j9c=";
    let middle = format!("@@ -12,7 +12,7 @@\n {a}\n {b}\n-{c}\n+EDITED BY\n {c}\n {d}\n");
    let end = format!(
        "@@ -27,5 +27,5 @@\n     {a}\n     {tail}\n     -----END PRIVATE KEY-----\n-x: 1\n+x: 2\n"
    );
    let last = format!(" {tail}\n -----END RSA PRIVATE KEY-----\n");
    for text in [&middle, &end, &last] {
        let redacted = shown(text);
        for piece in lines.iter().chain(&[tail]) {
            assert!(!leaks(&redacted, piece), "{redacted}");
        }
    }
    assert!(shown(&end).contains("-x: 1\n+x: 2\n"));
    // What says that it is no key stays, and so does a single line, or a list of digests.
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    for text in [
        format!("-----BEGIN CERTIFICATE-----\n{a}\n{b}\n{tail}\n-----END CERTIFICATE-----\n"),
        format!("{a}\n{b}\n{tail}\n-----END CERTIFICATE-----\n"),
        format!("{digest}\n{digest}\n{digest}\n"),
        format!("word\n{tail}\nword\n"),
    ] {
        assert_eq!(shown(&text), text);
    }
}
