//! Names with their values, and what the surroundings of a secret give away, in free text.

use super::{leaks, redactor, shown};

/// Weak and strong values: with its name in sight any value is a secret.
const VALUES: [&str; 5] = [
    "hunter2",
    "c0rrect-h0rse",
    "NiE8G79Zplklw#ho53",
    "Tr0ub4dor&3x",
    "4fK9xQ2mZ7vT1bN8cR5y",
];

const SHAPES: &[&str] = &[
    "password: {}",
    "password = {}",
    "password={}",
    "DB_PASSWORD={}\nDEBUG=1\n",
    "export API_TOKEN={}",
    "API_SECRET={} ./deploy.sh --fast",
    "PGPASSWORD={} psql -h db -U app",
    "$env:SECRET_KEY = \"{}\"",
    "+  token := \"{}\"",
    "let api_key = \"{}\";",
    "const apiKey: string = \"{}\";",
    "var dbPassword string = \"{}\"",
    "Config { host: \"db\", passwd: \"{}\", port: 5432 }",
    "client = connect(host=\"db\", password=\"{}\", timeout=3)",
    "{\"dbPassword\": \"{}\", \"debug\": true}",
    "{'secret': '{}'}",
    "{\"body\":\"{\\\"private_key\\\": \\\"{}\\\", \\\"n\\\": 1}\"}",
    "config:\n  refreshToken: '{}'\n",
    "service:\n  refreshToken: {}\n  port: 80\n",
    "[auth]\nsecret_key = \"{}\"\n",
    "Server=db;Database=app;User Id=sa;Password={};Encrypt=yes",
    "GET https://api.example.com/v1/items?page=2&token={}&sort=asc",
    "postgresql://app:{}@db.internal:5432/prod?sslmode=require",
    "REDIS_URL=redis://:{}@cache:6379/0",
    "curl -u admin:{} https://example.com/x",
    "curl -sS -X POST -u 'admin:{}' https://example.com/x",
    "mysqldump -h db -u root -p{} app > dump.sql",
    "sshpass -p {} ssh root@10.0.0.9",
    "docker login -u bot -p {} registry.example.com",
    "docker run --rm -e CLIENT_SECRET={} -p 8080:80 app:latest",
    "mytool login --password {} --verbose",
    "mytool login --api-key={} --verbose",
    "machine api.example.com login bot password {}",
    "ALTER USER app WITH PASSWORD '{}';",
    "CREATE USER app IDENTIFIED BY '{}';",
    "<entry><auth_token>{}</auth_token></entry>",
    "<add key=\"ApiKey\" value=\"{}\"/>",
    "X-Api-Key: {}\r\nAccept: */*\r\n",
    "//registry.npmjs.org/:_authToken={}",
    "ERROR auth failed: secret: {}",
    "2026-11-02T10:11:12Z INFO login ok user=bob passwd={} ip=10.0.0.3",
    "env:\n  - name: DB_PASSWORD\n    value: \"{}\"\n",
    "os.environ[\"API_TOKEN\"] = \"{}\"",
    "password\u{1b}[0m: \u{1b}[33m{}\u{1b}[0m",
    "line\\npassword={}\\nline",
];

#[test]
fn any_value_is_hidden_with_its_name_in_sight() {
    for shape in SHAPES {
        for value in VALUES {
            if shape.contains("://") && value.contains('#')
                || shape.contains('?') && value.contains('&')
            {
                continue;
            }
            let text = shape.replace("{}", value);
            let redacted = redactor().text(&text);
            assert!(
                !leaks(redacted.value(), value),
                "{text:?} became {:?}",
                redacted.value()
            );
            assert_eq!(
                redacted.total(),
                1,
                "{text:?} became {:?}",
                redacted.value()
            );
        }
    }
}

#[test]
fn what_stands_around_a_value_stays() {
    let text = "export API_TOKEN=4fK9xQ2mZ7vT1bN8cR5y; echo done";
    let redacted = shown(text);
    assert!(
        redacted.starts_with("export API_TOKEN=[redacted:secret:"),
        "{redacted}"
    );
    assert!(redacted.ends_with("]; echo done"), "{redacted}");
    let text = "see https://ann:hunter2x@db.example.com:5432/prod for it";
    let redacted = shown(text);
    assert!(
        redacted.starts_with("see https://ann:[redacted:"),
        "{redacted}"
    );
    assert!(
        redacted.ends_with("@db.example.com:5432/prod for it"),
        "{redacted}"
    );
}

#[test]
fn headers_give_their_secrets_away() {
    for (text, secret) in [
        (
            "Authorization: Bearer 4fK9xQ2mZ7vT1bN8cR5y",
            "4fK9xQ2mZ7vT1bN8cR5y",
        ),
        (
            "Authorization: Basic Ym90OmM0dGNoSWNhdDU1",
            "Ym90OmM0dGNoSWNhdDU1",
        ),
        (
            "curl -H \"Authorization: token 4fK9xQ2mZ7vT1bN8\" x",
            "4fK9xQ2mZ7vT1bN8",
        ),
        (
            "sent Bearer 4fK9xQ2mZ7vT1bN8cR5y and failed",
            "4fK9xQ2mZ7vT1bN8cR5y",
        ),
        ("Cookie: sessionid=4fK9xQ2mZ7vT; theme=dark", "4fK9xQ2mZ7vT"),
        (
            "Set-Cookie: session=4fK9xQ2mZ7vT; HttpOnly; Path=/",
            "4fK9xQ2mZ7vT",
        ),
        (
            "Authorization: AWS4-HMAC-SHA256 Credential=x/20260101/eu/s3, Signature=9f86d081884c7d65",
            "9f86d081884c7d65",
        ),
    ] {
        let redacted = shown(text);
        assert!(!leaks(&redacted, secret), "{text} became {redacted}");
    }
    assert!(
        shown("Set-Cookie: session=4fK9xQ2mZ7vT; HttpOnly; Path=/").ends_with("; HttpOnly; Path=/")
    );
}

#[test]
fn nothing_of_a_very_long_secret_stays_behind() {
    let secret: String = (0..4000u32)
        .map(|n| format!("{:05x}", n.wrapping_mul(2_654_435_761) >> 12))
        .collect();
    for shape in [
        "password={}",
        "--client-secret {} x",
        "Authorization: Bearer {}",
        "sent Bearer {} off",
        "Cookie: sid={}",
        "x eyJhbGciOiJIUzI1NiJ9.eyJ{}.{} y",
        "curl -u ann:{} https://x",
        "sshpass -p {} ssh x",
        "<token>{}</token>",
        "api_key: \"{}\"",
        "{\"password\":\"{}\"}",
        "https://x/?token={}&a=b",
    ] {
        let redacted = shown(&shape.replace("{}", &secret));
        assert!(
            !leaks(&redacted, &secret),
            "{shape}: {} bytes left",
            redacted.len()
        );
    }
}
