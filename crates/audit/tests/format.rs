//! The bytes of the format, pinned: what is written today must verify for ever.

use crate::support::{BOOT, LOG, Sample};
use aifirst_audit::canonical::{Integer, Json, MAX_DEPTH, MAX_INTEGER, Object};
use aifirst_audit::{Bodies, HeadCopy, Query, canonical, digest, row};
use proptest::prelude::*;

#[test]
fn an_intents_bytes_leaf_chain_and_commitment_are_pinned() {
    let sample = Sample::new(1);
    let conn = sample.attacker();
    let first = row(&conn, 0, Bodies::Load).unwrap().unwrap();
    assert_eq!(
        String::from_utf8(first.bytes.clone()).unwrap(),
        format!(
            r#"{{"boot":"{BOOT}","kind":"genesis","log":"{LOG}","seq":0,"time":"2026-01-01T00:00:00.000000Z","v":1}}"#
        )
    );
    let second = row(&conn, 1, Bodies::Load).unwrap().unwrap();
    let text = String::from_utf8(second.bytes.clone()).unwrap();
    // This file and the digest below were computed by another program, in another language.
    assert_eq!(text, include_str!("golden/intent.json").trim_end());
    let head = digest::chain(
        &digest::chain(&digest::Digest::ZERO, &digest::leaf(&first.bytes)),
        &digest::leaf(&second.bytes),
    );
    assert_eq!(head.to_string(), PINNED_CHAIN);
}

const PINNED_CHAIN: &str = "2c86debb88121760774b3c62d92dab09f081ad9198f984dc38c31c63c3cb4e6a";

#[test]
fn a_head_copys_bytes_are_pinned() {
    let head = |size| aifirst_audit::Head {
        size,
        hash: digest::leaf(b"x"),
    };
    let copy = HeadCopy {
        synced: head(1),
        latest: head(258),
        boot: "b".into(),
    };
    let bytes = copy.encode().unwrap();
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, include_str!("golden/head_copy.hex").trim_end());
}

/// RFC 8785 section 3.2.2: the string of its example.
#[test]
fn the_rfcs_string_is_spelled_as_the_rfc_has_it() {
    let value: serde_json::Value =
        serde_json::from_str(r#""\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/""#).unwrap();
    let bytes = Json::from_serde(&value).unwrap().encode().unwrap();
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\""
    );
}

#[test]
fn other_spellings_are_refused() {
    for text in [
        "",
        " 1",
        "1 ",
        "01",
        "-0",
        "+1",
        "1.0",
        "1e3",
        "9007199254740992",
        "-9007199254740992",
        "-9223372036854775808",
        "99999999999999999999",
        "nul",
        "True",
        "\"",
        "\"\n\"",
        "\"\\/\"",
        "\"\\u0041\"",
        "\"\\u000A\"",
        "\"\\u000a\"",
        "\"\\u001F\"",
        "\"\\u0020\"",
        "\"\\u00\"",
        "\"\\x\"",
        "[1, 2]",
        "[1,]",
        "[",
        "{",
        "{\"a\":1,}",
        "{\"b\":1,\"a\":2}",
        "{\"a\":1,\"a\":1}",
        "{\"\":1}",
        "{\"é\":1}",
        "{\"\\\"\":1}",
        "{a:1}",
        "{\"a\" :1}",
        "1\n",
        "\u{feff}1",
    ] {
        assert!(canonical::check(text.as_bytes()).is_err(), "{text}");
    }
    assert!(canonical::check(b"\"\xff\"").is_err());
    for text in [
        "0",
        "-1",
        "9007199254740991",
        "\"\\u001f\\b\\t\\n\\f\\r\\\"\\\\\u{7f}\u{2028}é\"",
        "[]",
        "{}",
        "[[],{}]",
        "{\"a\":null,\"b\":true}",
    ] {
        canonical::check(text.as_bytes()).unwrap();
    }
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    canonical::check(deep(MAX_DEPTH).as_bytes()).unwrap();
    assert!(canonical::check(deep(MAX_DEPTH + 1).as_bytes()).is_err());
    assert!(canonical::check("[".repeat(1 << 20).as_bytes()).is_err());
    let nested = (0..MAX_DEPTH + 1).fold(Json::Null, |v, _| Json::List(vec![v]));
    assert!(nested.encode().is_err());
}

#[test]
fn what_json_cannot_say_exactly_is_refused() {
    assert!(Integer::new(MAX_INTEGER).is_ok());
    assert!(Integer::new(MAX_INTEGER + 1).is_err());
    assert!(Integer::new(i64::MIN).is_err());
    assert!(Integer::new(u64::MAX).is_err());
    for text in ["1.5", "1e300", "18446744073709551615", "{\"é\":1}"] {
        let value = serde_json::from_str(text).unwrap();
        assert!(Json::from_serde(&value).is_err(), "{text}");
    }
    let mut object = Object::new();
    object.insert("a", Json::Null).unwrap();
    assert!(object.insert("a", Json::Null).is_err());
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        (-MAX_INTEGER..=MAX_INTEGER).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        "[\\x00-\\x7f]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map("[a-zA-Z_ 0-9]{1,6}", inner, 0..6)
                .prop_map(|m| m.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Writing what was read gives the same bytes; they are accepted; and `serde_json`,
    /// which knows nothing of us, spells the same value the same way.
    #[test]
    fn encoding_is_a_fixpoint_and_agrees_with_another_writer(value in json()) {
        let bytes = Json::from_serde(&value).unwrap().encode().unwrap();
        canonical::check(&bytes).unwrap();
        let again: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(&Json::from_serde(&again).unwrap().encode().unwrap(), &bytes);
        // Its maps here come sorted from a BTreeMap, and are written in that order.
        prop_assert_eq!(serde_json::to_vec(&value).unwrap(), bytes);
    }

    /// The one-pass check and reading-and-writing-again agree on changed bytes too.
    #[test]
    fn the_check_accepts_exactly_what_is_written_again_the_same(value in json(), at: prop::sample::Index, byte: u8, kind in 0..3) {
        let mut bytes = Json::from_serde(&value).unwrap().encode().unwrap();
        let at = at.index(bytes.len());
        match kind {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            _ => drop(bytes.remove(at)),
        }
        let rewritten = serde_json::from_slice::<serde_json::Value>(&bytes)
            .ok()
            .and_then(|v| Json::from_serde(&v).ok())
            .and_then(|v| v.encode().ok());
        prop_assert_eq!(canonical::check(&bytes).is_ok(), rewritten.as_deref() == Some(&bytes[..]));
    }

    #[test]
    fn the_check_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = canonical::check(&bytes);
        let _ = HeadCopy::decode(&bytes);
    }
}

#[test]
fn every_event_reads_back_as_it_was_written() {
    let sample = Sample::new(1);
    let conn = sample.attacker();
    let rows = Query::new().page(&conn).unwrap();
    let event = rows[1].event.as_ref().unwrap();
    assert_eq!(event.decision().unwrap()["prompt_shown"], true);
    assert_eq!(event.actor().unwrap()["uid"], 1000);
    assert_eq!(event.redaction().unwrap()["counts"]["aws"], 2);
    assert_eq!(event.cause(), Some(aifirst_audit::Cause::Do));
    assert_eq!(rows[0].event.as_ref().unwrap().intent(), Some(1));
}
