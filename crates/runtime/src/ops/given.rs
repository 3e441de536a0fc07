//! The parameters of a call, read after the table has checked them.
use serde_json::Value;

use crate::error::{Error, Result};

/// A text that must be there.
pub(super) fn text<'a>(params: &'a Value, name: &str) -> Result<&'a str> {
    text_if(params, name).ok_or_else(|| {
        Error::usage(format!("the parameter {name:?} is missing")).with_code("missing_parameter")
    })
}

/// A text that may be there.
pub(super) fn text_if<'a>(params: &'a Value, name: &str) -> Option<&'a str> {
    params.get(name).and_then(Value::as_str)
}

/// A whole number that may be there; the table let no negative one through.
pub(super) fn number(params: &Value, name: &str) -> Option<u64> {
    params.get(name).and_then(Value::as_u64)
}

/// A flag that is off unless it is there and true.
pub(super) fn flag(params: &Value, name: &str) -> bool {
    params.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// A SHA-256 in hex that may be there, as bytes.
pub(super) fn sha256(params: &Value, name: &str) -> Result<Option<[u8; 32]>> {
    let Some(hex) = text_if(params, name) else {
        return Ok(None);
    };
    from_hex(hex).map(Some).ok_or_else(|| {
        Error::usage(format!(
            "the parameter {name:?} must be 64 hexadecimal digits"
        ))
        .with_code("wrong_type")
        .with_hint("get_file_info with hash=sha256 gives it")
    })
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        for half in [b >> 4, b & 15] {
            out.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
        out
    })
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let bytes: Option<Vec<u8>> = digits?
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(high * 16 + low).ok(),
            _ => None,
        })
        .collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn digests_are_taken_in_both_cases_and_nothing_else_is() {
        let bytes: [u8; 32] = std::array::from_fn(|i| u8::try_from(i * 7 % 256).unwrap());
        for text in [hex(&bytes), hex(&bytes).to_uppercase()] {
            assert_eq!(sha256(&json!({"d": text}), "d").unwrap(), Some(bytes));
        }
        assert_eq!(sha256(&json!({}), "d").unwrap(), None);
        for bad in ["", "ab", &"g".repeat(64), &"a".repeat(63), &"a".repeat(66)] {
            assert_eq!(
                sha256(&json!({"d": bad}), "d").unwrap_err().code(),
                "wrong_type"
            );
        }
    }
}
