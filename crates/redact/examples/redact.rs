//! Redacts what a call of an agent would leave in a record, and prints it.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_macros,
    reason = "an example prints what it shows"
)]

use aifirst_redact::Redactor;
use serde_json::json;

fn main() {
    let redactor = Redactor::new(&[7; 32]);
    let scope = redactor.scoped();
    let parameters = scope.json(&json!({
        "path": "deploy.env",
        "content": "API_TOKEN=k7Xq2Lw9-b44\nREGION=eu\n",
        "env": [{ "name": "DB_PASSWORD", "value": "hunter2!" }],
    }));
    println!("parameters: {}", parameters.value());
    println!("found:      {:?}", parameters.found());
    // What one call showed once is hidden in all that comes after it.
    let error = scope.text("connection refused for app:hunter2!@db with k7Xq2Lw9-b44");
    println!("error:      {}", error.value());
    // Content that holds one of our marks must not be written over the real secret.
    let content = parameters.value()["content"].as_str().unwrap_or_default();
    println!("own mark:   {:?}", redactor.own_mark(content.as_bytes()));
}
