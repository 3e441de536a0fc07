//! Parameters of an operation: one table that gives the JSON Schema, the help and the check.
//!
//! The schemas stay in the plain subset that every agent's model takes: one type a property, no
//! `$ref`, no `format`, no unions, `required` always a subset of `properties`.
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// The JSON type of a parameter.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Type {
    /// A string.
    Text,
    /// One of the given words.
    Choice(&'static [&'static str]),
    /// A whole number of at least the given value.
    Integer {
        /// The smallest value taken.
        min: i64,
    },
    /// `true` or `false`.
    Boolean,
    /// A list of objects with these fields.
    Objects(Vec<Param>),
    /// A list of strings.
    Texts,
}

/// Whether a call may leave a parameter out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It must be there.
    Required,
    /// It may be left out.
    Optional,
}

/// What a parameter's value is, for the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Something to be recorded, redacted.
    Plain,
    /// Contents of a file: only their size and a keyed digest are recorded.
    Content,
    /// A path, which policy judges also where planning fails: what an error says about a file is
    /// reading it.
    Path,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name, `snake_case` but for those the reference file server spells otherwise.
    pub name: &'static str,
    /// Its JSON type.
    pub r#type: Type,
    /// Whether it may be left out.
    pub need: Need,
    /// What it means, with its unit and its default.
    pub words: &'static str,
    /// Other names under which it is accepted.
    pub aliases: &'static [&'static str],
    /// Whether the record may hold its value.
    pub holds: Holds,
}

impl Param {
    /// A parameter that must be there.
    #[must_use]
    pub fn required(name: &'static str, r#type: Type, words: &'static str) -> Self {
        Self {
            name,
            r#type,
            need: Need::Required,
            words,
            aliases: &[],
            holds: Holds::Plain,
        }
    }

    /// A parameter that may be left out.
    #[must_use]
    pub fn optional(name: &'static str, r#type: Type, words: &'static str) -> Self {
        Self {
            name,
            r#type,
            need: Need::Optional,
            words,
            aliases: &[],
            holds: Holds::Plain,
        }
    }

    /// Accepts other names for it too.
    #[must_use]
    pub fn or(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Marks it as contents of a file, of which the record holds no byte.
    #[must_use]
    pub fn content(mut self) -> Self {
        self.holds = Holds::Content;
        self
    }

    /// Marks it as a path in the workspace.
    #[must_use]
    pub fn path(mut self) -> Self {
        self.holds = Holds::Path;
        self
    }

    fn schema(&self) -> Value {
        let mut s = match &self.r#type {
            Type::Text => json!({"type": "string"}),
            Type::Choice(words) => json!({"type": "string", "enum": words}),
            Type::Integer { min } => json!({"type": "integer", "minimum": min}),
            Type::Boolean => json!({"type": "boolean"}),
            Type::Objects(fields) => json!({"type": "array", "items": object_schema(fields)}),
            Type::Texts => json!({"type": "array", "items": {"type": "string"}}),
        };
        if let Some(map) = s.as_object_mut() {
            map.insert("description".into(), self.words.into());
        }
        s
    }
}

/// The JSON Schema of an object with these parameters and no others.
#[must_use]
pub fn object_schema(params: &[Param]) -> Value {
    let properties: Map<String, Value> = params
        .iter()
        .map(|p| (p.name.to_owned(), p.schema()))
        .collect();
    let required: Vec<&str> = params
        .iter()
        .filter(|p| p.need == Need::Required)
        .map(|p| p.name)
        .collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// Checks a call's parameters against the table and gives them back under their own names.
///
/// # Errors
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage), naming the parameter and what it should be. The
/// message never holds the parameter's value: it may be a secret.
pub fn check(params: &[Param], given: &Value) -> Result<Value> {
    check_object(params, given, "")
}

fn check_object(params: &[Param], given: &Value, at: &str) -> Result<Value> {
    let Some(map) = given.as_object() else {
        return Err(Error::usage(format!(
            "{} must be a JSON object",
            place(at, "the parameters")
        )));
    };
    let mut out = Map::new();
    for (name, value) in map {
        let Some(param) = params
            .iter()
            .find(|p| p.name == name || p.aliases.contains(&name.as_str()))
        else {
            let names: Vec<&str> = params.iter().map(|p| p.name).collect();
            return Err(
                Error::usage(format!("there is no parameter {:?}", join(at, name)))
                    .with_code("unknown_parameter")
                    .with_hint(format!("it takes {}", names.join(", "))),
            );
        };
        if value.is_null() && param.need == Need::Optional {
            continue;
        }
        let full = join(at, param.name);
        let value = check_value(&param.r#type, value, &full)?;
        if out.insert(param.name.to_owned(), value).is_some() {
            return Err(Error::usage(format!(
                "the parameter {full:?} is given twice"
            )));
        }
    }
    for param in params.iter().filter(|p| p.need == Need::Required) {
        if !out.contains_key(param.name) {
            return Err(Error::usage(format!(
                "the parameter {:?} is missing ({})",
                join(at, param.name),
                param.words
            ))
            .with_code("missing_parameter"));
        }
    }
    Ok(Value::Object(out))
}

fn check_value(r#type: &Type, value: &Value, at: &str) -> Result<Value> {
    let wrong = |want: &str| {
        Err(Error::usage(format!("the parameter {at:?} must be {want}")).with_code("wrong_type"))
    };
    match r#type {
        Type::Text if value.is_string() => Ok(value.clone()),
        Type::Text => wrong("a string"),
        Type::Choice(words) => match value.as_str() {
            Some(word) if words.contains(&word) => Ok(value.clone()),
            _ => wrong(&format!("one of {}", words.join(", "))),
        },
        Type::Integer { min } => match value.as_i64() {
            Some(n) if n >= *min => Ok(value.clone()),
            _ => wrong(&format!("a whole number of at least {min}")),
        },
        Type::Boolean if value.is_boolean() => Ok(value.clone()),
        Type::Boolean => wrong("true or false"),
        Type::Texts => match value.as_array() {
            Some(list) if list.iter().all(Value::is_string) => Ok(value.clone()),
            _ => wrong("a list of strings"),
        },
        Type::Objects(fields) => {
            let Some(list) = value.as_array() else {
                return wrong("a list of objects");
            };
            let checked: Result<Vec<Value>> = list
                .iter()
                .enumerate()
                .map(|(i, v)| check_object(fields, v, &format!("{at}[{i}]")))
                .collect();
            checked.map(Value::Array)
        }
    }
}

/// Turns `key=value` words of a command line into the JSON the table asks for.
///
/// # Errors
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) when a value does not read as its type.
pub fn from_words(params: &[Param], words: &[(String, String)]) -> Result<Value> {
    let mut out = Map::new();
    for (name, text) in words {
        let known = params
            .iter()
            .find(|p| p.name == name || p.aliases.contains(&name.as_str()));
        let value = match known.map(|p| &p.r#type) {
            Some(Type::Text | Type::Choice(_)) | None => Value::String(text.clone()),
            Some(_) => serde_json::from_str(text).map_err(|_| {
                Error::usage(format!("the value of {name:?} does not read as JSON"))
                    .with_hint("numbers and true or false as they are, lists in JSON: edits='[…]'")
            })?,
        };
        if out.insert(name.clone(), value).is_some() {
            return Err(Error::usage(format!(
                "the parameter {name:?} is given twice"
            )));
        }
    }
    Ok(Value::Object(out))
}

/// The parameters as the record may hold them: contents replaced by what `stand_in` makes of them.
pub(crate) fn without_contents(
    params: &[Param],
    given: &Value,
    stand_in: &dyn Fn(&str) -> Value,
) -> Value {
    let Some(map) = given.as_object() else {
        return Value::Null;
    };
    let known = |name: &str| {
        params
            .iter()
            .find(|p| p.name == name || p.aliases.contains(&name))
    };
    let each = |(name, value): (&String, &Value)| {
        let value = match (known(name), value) {
            (
                Some(Param {
                    holds: Holds::Content,
                    ..
                }),
                Value::String(text),
            ) => stand_in(text),
            (
                Some(Param {
                    r#type: Type::Objects(fields),
                    ..
                }),
                Value::Array(list),
            ) => list
                .iter()
                .map(|v| without_contents(fields, v, stand_in))
                .collect(),
            _ => value.clone(),
        };
        (name.clone(), value)
    };
    Value::Object(map.iter().map(each).collect())
}

fn join(at: &str, name: &str) -> String {
    if at.is_empty() {
        name.to_owned()
    } else {
        format!("{at}.{name}")
    }
}

fn place(at: &str, whole: &str) -> String {
    if at.is_empty() {
        whole.to_owned()
    } else {
        format!("{at:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<Param> {
        vec![
            Param::required("path", Type::Text, "where").or(&["file_path"]),
            Param::optional("limit", Type::Integer { min: 1 }, "how many"),
            Param::optional("mode", Type::Choice(&["a", "b"]), "which"),
            Param::optional(
                "edits",
                Type::Objects(vec![Param::required("oldText", Type::Text, "old")]),
                "what",
            ),
        ]
    }

    #[test]
    fn aliases_come_out_under_the_own_name() {
        let v = check(&table(), &json!({"file_path": "x", "limit": null})).unwrap();
        assert_eq!(v, json!({"path": "x"}));
    }

    #[test]
    fn what_is_wrong_is_named_and_its_value_is_not() {
        let cases = [
            (json!([]), "the parameters must be"),
            (json!({"path": 1}), "\"path\" must be a string"),
            (json!({}), "\"path\" is missing"),
            (json!({"path": "x", "lmit": 1}), "no parameter \"lmit\""),
            (json!({"path": "x", "limit": 0}), "at least 1"),
            (json!({"path": "x", "limit": 1.5}), "at least 1"),
            (json!({"path": "x", "mode": "hunter2"}), "one of a, b"),
            (
                json!({"path": "x", "edits": [{"old": "hunter2"}]}),
                "\"edits[0].old\"",
            ),
            (json!({"path": "x", "file_path": "y"}), "given twice"),
        ];
        for (given, part) in cases {
            let e = check(&table(), &given).unwrap_err();
            assert!(e.to_string().contains(part), "{e} should hold {part}");
            assert!(!e.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn words_become_json() {
        let words = |s: &[(&str, &str)]| {
            s.iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect::<Vec<_>>()
        };
        let v = from_words(&table(), &words(&[("path", "1"), ("limit", "3")])).unwrap();
        assert_eq!(v, json!({"path": "1", "limit": 3}));
        assert!(from_words(&table(), &words(&[("limit", "many")])).is_err());
        assert!(from_words(&table(), &words(&[("path", "a"), ("path", "b")])).is_err());
    }

    #[test]
    fn the_schema_is_the_plain_subset() {
        let s = object_schema(&table());
        assert_eq!(s["required"], json!(["path"]));
        assert_eq!(s["properties"]["limit"]["type"], "integer");
        assert_eq!(s["additionalProperties"], false);
    }
}
