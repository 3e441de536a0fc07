//! Names to operations: the built-in ones, and those a person adds.
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::effect::{Effect, Reversibility};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Operation, Spec};
use crate::ops;
use crate::schema;

/// The operations of a runtime, in a fixed order: the built-in ones, then the added ones.
#[derive(Clone, Default)]
pub struct Registry {
    operations: Vec<Arc<dyn Operation>>,
}

impl Registry {
    /// No operations at all.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The built-in operations.
    #[must_use]
    pub fn builtin() -> Self {
        Self {
            operations: ops::all(),
        }
    }

    /// The operation of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Operation>> {
        self.operations.iter().find(|o| o.spec().name == name)
    }

    /// All operations, in their fixed order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Operation>> {
        self.operations.iter()
    }

    /// Adds an operation.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when its table cannot be true or usable: a name that is taken or not
    /// `snake_case`, no effects, an effect on the world outside that claims to be exactly
    /// reversible, a parameter named twice, an example that its own table refuses, or a result
    /// schema that is none of an object.
    pub fn register(&mut self, operation: Arc<dyn Operation>) -> Result<()> {
        let spec = operation.spec();
        if self.get(spec.name).is_some() {
            return refuse(spec, "duplicate_operation", "the name is taken");
        }
        check(spec)?;
        self.operations.push(operation);
        Ok(())
    }
}

/// The words of policy `effects` that reach outside the workspace, where no undo follows.
const OUTSIDE: [Effect; 3] = [Effect::Exec, Effect::Network, Effect::Config];

fn check(spec: &Spec) -> Result<()> {
    const CODE: &str = "contradictory_operation";
    if !is_snake_case(spec.name) {
        return refuse(spec, "bad_operation_name", "the name is not snake_case");
    }
    if spec.description.trim().is_empty() {
        return refuse(spec, CODE, "it does not say what it does");
    }
    if spec.effects.is_empty() {
        return refuse(spec, CODE, "it declares no effect");
    }
    if spec.reversibility == Reversibility::Exact
        && spec.effects.iter().any(|e| OUTSIDE.contains(e))
    {
        return refuse(
            spec,
            CODE,
            "it reaches outside the workspace and claims to be exactly reversible",
        );
    }
    if spec.reversibility == Reversibility::Irreversible
        && !spec.effects.iter().any(|e| e.changes())
    {
        return refuse(
            spec,
            CODE,
            "it changes nothing and claims to be irreversible",
        );
    }
    let mut names = BTreeSet::new();
    for param in &spec.params {
        for name in std::iter::once(&param.name).chain(param.aliases) {
            if name.is_empty() || !names.insert(*name) {
                return refuse(spec, CODE, "two of its parameters have one name");
            }
        }
    }
    if spec.result.get("type").and_then(|t| t.as_str()) != Some("object") {
        return refuse(spec, CODE, "its result schema is not that of an object");
    }
    for example in &spec.examples {
        if schema::check(&spec.params, &example.params).is_err() {
            return refuse(
                spec,
                CODE,
                "one of its examples does not fit its parameters",
            );
        }
    }
    Ok(())
}

fn is_snake_case(name: &str) -> bool {
    let mut words = name.split('_');
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && words.all(|w| {
            !w.is_empty()
                && w.chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
}

fn refuse(spec: &Spec, code: &'static str, why: &str) -> Result<()> {
    Err(Error::new(
        ErrorKind::Usage,
        format!("the operation {:?} cannot be registered: {why}", spec.name),
    )
    .with_code(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::operation::Example;
    use crate::plan::Plan;
    use crate::schema::{Param, Type};
    use serde_json::{Value, json};

    struct Own(Spec);

    impl Operation for Own {
        fn spec(&self) -> &Spec {
            &self.0
        }
        fn plan(&self, _: &Value, _: &Context<'_>) -> Result<Plan> {
            Err(Error::failed("not planned here"))
        }
    }

    fn good() -> Spec {
        Spec {
            name: "count_words",
            title: "Count words",
            description: "Counts.",
            params: vec![Param::required("path", Type::Text, "where")],
            result: json!({"type": "object"}),
            effects: &[Effect::Read],
            reversibility: Reversibility::Exact,
            examples: vec![],
        }
    }

    #[test]
    fn an_own_operation_is_found_after_the_built_in_ones() {
        let mut registry = Registry::builtin();
        let before = registry.iter().count();
        registry.register(Arc::new(Own(good()))).unwrap();
        assert!(registry.get("count_words").is_some());
        assert_eq!(registry.iter().count(), before + 1);
        assert_eq!(registry.iter().last().unwrap().spec().name, "count_words");
    }

    #[test]
    fn contradictions_and_duplicates_are_refused() {
        let change = |f: &dyn Fn(&mut Spec)| {
            let mut spec = good();
            f(&mut spec);
            spec
        };
        let cases = [
            (change(&|s| s.name = "write_file"), "duplicate_operation"),
            (change(&|s| s.name = "countWords"), "bad_operation_name"),
            (change(&|s| s.name = "count__words"), "bad_operation_name"),
            (change(&|s| s.name = "2words"), "bad_operation_name"),
            (change(&|s| s.name = ""), "bad_operation_name"),
            (change(&|s| s.effects = &[]), "contradictory_operation"),
            (
                change(&|s| s.effects = &[Effect::Read, Effect::Network]),
                "contradictory_operation",
            ),
            (
                change(&|s| s.reversibility = Reversibility::Irreversible),
                "contradictory_operation",
            ),
            (change(&|s| s.description = " "), "contradictory_operation"),
            (
                change(&|s| {
                    s.params
                        .push(Param::optional("file", Type::Text, "again").or(&["path"]));
                }),
                "contradictory_operation",
            ),
            (
                change(&|s| s.result = json!({"type": "string"})),
                "contradictory_operation",
            ),
            (
                change(&|s| {
                    s.examples.push(Example {
                        words: "wrong",
                        params: json!({"paht": "x"}),
                    });
                }),
                "contradictory_operation",
            ),
        ];
        for (spec, code) in cases {
            let words = format!("{spec:?}");
            let mut registry = Registry::builtin();
            let before = registry.iter().count();
            let e = registry.register(Arc::new(Own(spec))).unwrap_err();
            assert_eq!(e.code(), code, "{words}");
            assert_eq!(registry.iter().count(), before);
        }
    }

    #[test]
    fn the_built_in_ones_pass_their_own_check() {
        for operation in Registry::builtin().iter() {
            check(operation.spec()).unwrap();
        }
    }
}
