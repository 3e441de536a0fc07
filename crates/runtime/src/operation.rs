//! What an operation is: a specification and a plan that changes nothing.
use serde_json::Value;

use crate::context::Context;
use crate::effect::{Effect, Reversibility};
use crate::error::Result;
use crate::plan::Plan;
use crate::schema::Param;

/// An example that runs as printed.
#[derive(Clone, Debug)]
pub struct Example {
    /// What it does, in a few words.
    pub words: &'static str,
    /// The parameters.
    pub params: Value,
}

/// The one table of an operation: schema, help, policy name, tool and reference page come from it.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The one name in library, command line, MCP, policy and log.
    pub name: &'static str,
    /// A title for people.
    pub title: &'static str,
    /// What it changes, whether that can be undone, and whether it asks: in words.
    pub description: &'static str,
    /// The parameters.
    pub params: Vec<Param>,
    /// The JSON Schema of the result.
    pub result: Value,
    /// Every effect a plan of it may have.
    pub effects: &'static [Effect],
    /// How far it can be taken back.
    pub reversibility: Reversibility,
    /// Examples that run as printed.
    pub examples: Vec<Example>,
}

/// An operation. It plans, and changes nothing itself: only the engine does.
pub trait Operation: Send + Sync {
    /// Its table.
    fn spec(&self) -> &Spec;

    /// Says what shall be. Parameters have passed [`schema::check`](crate::schema::check).
    ///
    /// # Errors
    /// When it cannot be done; nothing changed.
    fn plan(&self, params: &Value, context: &Context<'_>) -> Result<Plan>;
}
