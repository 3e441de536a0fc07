//! The table of well-known token formats: a literal prefix, then an anchored pattern.
//!
//! Prefixes and alphabets are those that the providers print in their documentation; what a provider
//! does not promise (an exact length) is a minimum here, because a miss in a log is for good.

/// What may stand before the prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// No letter or digit: the prefix itself is distinctive.
    Word,
    /// No letter, digit, hyphen, underscore, dot or slash: the prefix is short or a common word.
    Strict,
    /// Anything: the prefix begins with a border of its own, or is long.
    Any,
}

/// What the match must have besides its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accept {
    /// Nothing: the shape is enough.
    Shape,
    /// A digit, so that hyphenated words are no token.
    Digit,
    /// A digit, an upper and a lower case letter.
    Mixed,
    /// Shannon entropy of at least 3 bits for each byte.
    Random,
}

/// One format.
pub(crate) struct Format {
    /// The name in marks and counts.
    pub(crate) name: &'static str,
    /// Literals that begin it, at least two bytes each.
    pub(crate) prefixes: &'static [&'static str],
    /// The pattern from the prefix on; its first group, where it has one, is the secret.
    pub(crate) pattern: &'static str,
    pub(crate) left: Left,
    pub(crate) accept: Accept,
}

const fn format(
    name: &'static str,
    prefixes: &'static [&'static str],
    pattern: &'static str,
    left: Left,
    accept: Accept,
) -> Format {
    Format {
        name,
        prefixes,
        pattern,
        left,
        accept,
    }
}

use Accept::{Digit, Mixed, Random, Shape};
use Left::{Any, Strict, Word};

/// Formats whose prefix is one or two common letters (`s.`, `00`, `1/`) are left to the names beside
/// them: such a prefix stops the scan on every line and tells nothing.
///
/// All formats; the first that matches at a place wins, so narrower ones stand first.
#[rustfmt::skip]
pub(crate) const FORMATS: &[Format] = &[
    format("github-token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], r"gh[pousr]_[A-Za-z0-9_]{30,255}", Word, Shape),
    format("github-token", &["github_pat_"], r"github_pat_[A-Za-z0-9_]{22,255}", Word, Shape),
    format("gitlab-token", &["glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glimt-", "glagent-", "gloas-", "glffct-"], r"gl[a-z]{2,6}-[A-Za-z0-9_.=-]{20,300}", Word, Shape),
    format("gitlab-token", &["GR1348941"], r"GR1348941[A-Za-z0-9_-]{20,64}", Word, Shape),
    format("aws-access-key", &["AKIA", "ASIA", "ABIA", "ACCA", "A3T"], r"(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?:[^A-Za-z0-9]|$)", Word, Shape),
    format("aws-bedrock-key", &["ABSK"], r"ABSK[A-Za-z0-9+/]{100,269}={0,2}", Word, Shape),
    format("slack-token", &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxo-", "xoxe-", "xoxe.", "xoxd-", "xoxc-", "xapp-"], r"(?:xox[a-z]|xapp)[-.][A-Za-z0-9.%/+_=-]{10,500}", Word, Digit),
    format("slack-webhook", &["hooks.slack.com/"], r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{30,100}", Any, Shape),
    format("discord-webhook", &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"], r"discord(?:app)?\.com/api/webhooks/[0-9]{15,22}/[A-Za-z0-9_-]{50,100}", Any, Shape),
    format("teams-webhook", &["webhook.office.com/webhookb2/", "outlook.office.com/webhook/"], r"(?:webhook|outlook)\.office\.com/webhook(?:b2)?/[A-Za-z0-9@/-]{80,300}", Any, Shape),
    format("stripe-key", &["sk_live_", "rk_live_", "sk_test_", "rk_test_", "sk_prod_", "rk_prod_", "whsec_"], r"(?:(?:sk|rk)_(?:live|test|prod)|whsec)_[A-Za-z0-9+/=]{10,250}", Word, Shape),
    format("google-api-key", &["AIza"], r"AIza[A-Za-z0-9_-]{32,36}", Word, Shape),
    format("google-oauth", &["ya29.", "GOCSPX-"], r"(?:ya29\.[A-Za-z0-9_.-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,40})", Word, Shape),
    format("google-oauth", &["1//0"], r"1//0[A-Za-z0-9_-]{40,200}", Strict, Shape),
    format("anthropic-key", &["sk-ant-"], r"sk-ant-[A-Za-z0-9_-]{20,200}", Word, Shape),
    format("openai-key", &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-", "sk-or-v1-"], r"sk-(?:proj|svcacct|admin|None|or-v1)-[A-Za-z0-9_-]{20,300}", Word, Digit),
    format("openai-key", &["sk-"], r"sk-[A-Za-z0-9_-]{20,300}", Strict, Mixed),
    format("openai-key", &["sk-"], r"sk-[a-z0-9]{32,64}", Strict, Random),
    format("npm-token", &["npm_"], r"npm_[A-Za-z0-9]{36,48}", Word, Shape),
    format("pypi-token", &["pypi-"], r"pypi-AgE[A-Za-z0-9_-]{40,}", Word, Shape),
    format("rubygems-key", &["rubygems_"], r"rubygems_[a-f0-9]{48}", Word, Shape),
    format("crates-io-token", &["cio"], r"cio[A-Za-z0-9]{32}", Strict, Mixed),
    format("clojars-token", &["CLOJARS_"], r"CLOJARS_[a-z0-9]{60}", Word, Shape),
    format("docker-token", &["dckr_pat_", "dckr_oat_"], r"dckr_[po]at_[A-Za-z0-9_-]{26,40}", Word, Shape),
    format("twilio-key", &["SK"], r"SK[0-9a-f]{32}", Strict, Random),
    format("sendgrid-key", &["SG."], r"SG\.[A-Za-z0-9_=-]{16,30}\.[A-Za-z0-9_=.-]{30,60}", Word, Shape),
    format("sendinblue-key", &["xkeysib-", "xsmtpsib-"], r"x(?:key|smtp)sib-[a-f0-9]{64}-[A-Za-z0-9]{16}", Word, Shape),
    format("huggingface-token", &["hf_", "api_org_"], r"(?:hf_|api_org_)[A-Za-z0-9]{30,40}", Word, Shape),
    format("digitalocean-token", &["dop_v1_", "doo_v1_", "dor_v1_"], r"do[por]_v1_[a-f0-9]{60,70}", Word, Shape),
    format("private-key", &["-----BEGIN "], r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----", Any, Shape),
    format("putty-key", &["PuTTY-User-Key-File-"], r"(?s-u)PuTTY-User-Key-File-[23]:.*?Private-MAC: ?[0-9a-f]{40,64}", Any, Shape),
    format("age-key", &["AGE-SECRET-KEY-1"], r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{50,62}", Word, Shape),
    format("jwt", &["eyJ", "ewog", "ey0"], r"e[yw][A-Za-z0-9_-]{8,}\.(?:[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{0,}|e[yw][A-Za-z0-9_-]{6,})(?:\.[A-Za-z0-9_-]{1,}){0,2}", Word, Mixed),
    format("azure-key", &["AccountKey=", "SharedAccessKey=", "SharedAccessSignature=", "accountkey=", "sharedaccesskey="], r"[A-Za-z]{10,22}=([A-Za-z0-9+/%&=_.:-]{30,400})", Any, Shape),
    format("azure-secret", &["7Q~", "8Q~"], r"[78]Q~[A-Za-z0-9_.~-]{31,34}", Any, Shape),
    format("telegram-token", &[":AA"], r":AA[A-Za-z0-9_-]{32,34}", Any, Mixed),
    format("mailgun-key", &["key-"], r"key-[a-f0-9]{32}", Strict, Random),
    format("mailgun-key", &["pubkey-"], r"pubkey-[a-f0-9]{32}", Strict, Random),
    format("shopify-token", &["shpat_", "shpca_", "shppa_", "shpss_", "shprt_", "shpct_", "shcdt_"], r"sh[a-z]{3}_[A-Za-z0-9]{32,64}", Word, Shape),
    format("linear-key", &["lin_api_", "lin_oauth_"], r"lin_(?:api|oauth)_[A-Za-z0-9]{32,64}", Word, Shape),
    format("databricks-token", &["dapi", "dose", "dkea", "dsapi"], r"d(?:api|ose|kea|sapi)[A-Fa-f0-9]{32}(?:-[0-9]{1,2})?", Strict, Random),
    format("vault-token", &["hvs.", "hvb.", "hvr."], r"hv[sbr]\.[A-Za-z0-9_-]{20,300}", Word, Shape),
    format("terraform-token", &[".atlasv1."], r"\.atlasv1\.[A-Za-z0-9_=-]{60,80}", Any, Shape),
    format("atlassian-token", &["ATATT3", "ATCTT3", "ATBB"], r"(?:AT[AC]TT3[A-Za-z0-9_=-]{60,400}|ATBB[A-Za-z0-9]{24,40})", Word, Shape),
    format("square-token", &["EAAA", "sq0atp-", "sq0csp-", "sq0idp-"], r"(?:EAAA[A-Za-z0-9_+=-]{56,64}|sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{20,50})", Word, Mixed),
    format("facebook-token", &["EAA"], r"EAA[A-Za-z0-9]{80,400}", Word, Mixed),
    format("new-relic-key", &["NRAK-", "NRJS-", "NRII-", "NRIQ-", "NRRA-", "NRAL-", "NRSP-"], r"NR(?:AK|JS|II|IQ|RA|AL|SP)-[A-Za-z0-9_-]{19,42}", Word, Shape),
    format("grafana-token", &["glc_", "glsa_", "eyJrIjoi"], r"(?:glc_[A-Za-z0-9+/]{32,400}={0,3}|glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|eyJrIjoi[A-Za-z0-9+/_-]{60,400}={0,3})", Word, Shape),
    format("figma-token", &["figd_", "figo_", "figu_"], r"fig[dou]_[A-Za-z0-9_-]{38,60}", Word, Shape),
    format("notion-token", &["ntn_", "secret_"], r"(?:ntn_[0-9]{11}[A-Za-z0-9]{32,40}|secret_[A-Za-z0-9]{43})", Word, Mixed),
    format("airtable-token", &["pat"], r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}", Strict, Shape),
    format("postman-key", &["PMAK-", "PMAT-"], r"PMA[KT]-[A-Za-z0-9-]{24,70}", Word, Digit),
    format("perplexity-key", &["pplx-"], r"pplx-[A-Za-z0-9]{40,64}", Word, Shape),
    format("groq-key", &["gsk_"], r"gsk_[A-Za-z0-9]{40,64}", Word, Shape),
    format("xai-key", &["xai-"], r"xai-[A-Za-z0-9_-]{60,90}", Word, Mixed),
    format("replicate-token", &["r8_"], r"r8_[A-Za-z0-9_-]{30,48}", Word, Shape),
    format("fireworks-key", &["fw_"], r"fw_[A-Za-z0-9]{22,32}(?:[^A-Za-z0-9_]|$)", Strict, Mixed),
    format("nvidia-key", &["nvapi-"], r"nvapi-[A-Za-z0-9_-]{40,80}", Word, Shape),
    format("langsmith-key", &["lsv2_", "lsv2_pt_"], r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{8,12}", Word, Shape),
    format("langfuse-key", &["sk-lf-"], r"sk-lf-[a-f0-9-]{36}", Word, Shape),
    format("sentry-token", &["sntrys_", "sntryu_", "sntrya_"], r"sntry[sua]_[A-Za-z0-9+/=_-]{40,500}", Word, Shape),
    format("supabase-key", &["sbp_", "sb_secret_"], r"(?:sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{20,64})", Word, Shape),
    format("planetscale-token", &["pscale_"], r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_=.-]{30,64}", Word, Shape),
    format("doppler-token", &["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."], r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}", Word, Shape),
    format("pulumi-token", &["pul-"], r"pul-[a-f0-9]{40}", Strict, Shape),
    format("heroku-key", &["HRKU-"], r"HRKU-[A-Za-z0-9_-]{36,70}", Word, Shape),
    format("netlify-token", &["nfp_", "nfc_", "nfo_", "nfu_"], r"nf[pcou]_[A-Za-z0-9]{36,40}", Word, Shape),
    format("vercel-token", &["vcp_", "vci_", "vca_", "vcr_", "vck_"], r"vc[piark]_[A-Za-z0-9]{24,60}", Word, Mixed),
    format("fly-token", &["fo1_", "fm1_", "fm1a_", "fm1r_", "fm2_", "FlyV1 "], r"(?:fo1_[A-Za-z0-9_-]{40,50}|FlyV1 [A-Za-z0-9+/,_=-]{60,}|fm[12][ar]?_[A-Za-z0-9+/,_=-]{60,})", Word, Shape),
    format("cloudflare-key", &["v1.0-"], r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}", Word, Shape),
    format("dropbox-token", &["sl."], r"sl\.(?:u\.|B)?[A-Za-z0-9_-]{100,}", Strict, Mixed),
    format("mailchimp-key", &["-us"], r"-us[0-9]{1,2}(?:[^A-Za-z0-9]|$)", Any, Shape),
    format("buildkite-token", &["bkua_", "bkat_"], r"bk[ua][at]_[a-z0-9]{40}", Word, Shape),
    format("circleci-token", &["CCIPAT_", "CCIPRJ_"], r"CCIP(?:AT|RJ)_[A-Za-z0-9]{20,24}_[a-z0-9]{40}", Word, Shape),
    format("sonar-token", &["squ_", "sqp_", "sqa_"], r"sq[upa]_[a-f0-9]{40}", Word, Shape),
    format("dynatrace-token", &["dt0c01.", "dt0s01.", "dt0s16."], r"dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}", Word, Shape),
    format("1password-token", &["ops_", "A3-"], r"(?:ops_eyJ[A-Za-z0-9+/_=-]{100,}|A3-[A-Z0-9]{6}-[A-Z0-9]{5,11}(?:-[A-Z0-9]{5,6}){3,5})", Word, Shape),
    format("tailscale-key", &["tskey-"], r"tskey-[a-z]{2,10}-[A-Za-z0-9_-]{14,80}", Word, Shape),
    format("ngrok-token", &["ak_", "cr_"], r"(?:ak|cr)_[A-Za-z0-9]{27}(?:[^A-Za-z0-9_]|$)", Strict, Mixed),
    format("easypost-key", &["EZAK", "EZTK"], r"EZ[AT]K[A-Za-z0-9]{54}", Word, Shape),
    format("duffel-token", &["duffel_"], r"duffel_(?:test|live)_[A-Za-z0-9_=-]{43}", Word, Shape),
    format("readme-key", &["rdme_"], r"rdme_[a-z0-9]{70}", Word, Shape),
    format("typeform-token", &["tfp_"], r"tfp_[A-Za-z0-9_.=-]{40,64}", Word, Shape),
    format("contentful-token", &["CFPAT-"], r"CFPAT-[A-Za-z0-9_-]{40,50}", Word, Shape),
    format("dynamics-token", &["PRVTD_", "DUM_"], r"PRVTD_[A-Za-z0-9_-]{20,64}", Word, Shape),
    format("adobe-secret", &["p8e-"], r"p8e-[A-Za-z0-9_-]{32}", Word, Shape),
    format("alibaba-key", &["LTAI"], r"LTAI[A-Za-z0-9]{12,26}", Word, Mixed),
    format("tencent-key", &["AKID"], r"AKID[A-Za-z0-9]{28,40}", Word, Mixed),
    format("flutterwave-key", &["FLWSECK", "FLWPUBK"], r"FLW(?:SEC|PUB)K(?:_TEST)?-[A-Za-z0-9]{12,40}(?:-X)?", Word, Shape),
    format("paypal-token", &["access_token$"], r"access_token\$[a-z]{6,12}\$[a-z0-9]{16}\$[a-f0-9]{32}", Word, Shape),
    format("adafruit-key", &["aio_"], r"aio_[A-Za-z0-9]{28}", Word, Shape),
    format("prefect-key", &["pnu_", "pnb_"], r"pn[ub]_[A-Za-z0-9]{36}", Word, Shape),
    format("snyk-token", &["snyk_"], r"snyk_(?:sat|uat)\.[a-z0-9]{8}\.[A-Za-z0-9_.-]{60,120}", Word, Shape),
    format("42-secret", &["s-s4t2ud-", "s-s4t2af-"], r"s-s4t2(?:ud|af)-[a-f0-9]{64}", Word, Shape),
    format("azure-devops-token", &["AZDO"], r"AZDO[A-Za-z0-9]{4}", Any, Shape),
    format("mongodb-atlas-key", &["mdb_sa_sk_"], r"mdb_sa_sk_[A-Za-z0-9_-]{32,64}", Word, Shape),
    format("frame-io-token", &["fio-u-"], r"fio-u-[A-Za-z0-9_-]{60,68}", Word, Shape),
    format("dependency-track-key", &["odt_"], r"odt_[A-Za-z0-9]{32}(?:_[A-Za-z0-9]{8})?", Word, Shape),
    format("fleetbase-key", &["flb_live_", "flb_test_"], r"flb_(?:live|test)_[A-Za-z0-9]{20,40}", Word, Shape),
    format("pagarme-key", &["ak_live_", "ak_test_"], r"ak_(?:live|test)_[A-Za-z0-9]{30}", Word, Shape),
    format("voiceflow-key", &["VF.DM.", "VF.WS."], r"VF\.(?:DM|WS)\.[a-f0-9]{24}\.[A-Za-z0-9]{16}", Word, Shape),
    format("crypt-hash", &["$2a$", "$2b$", "$2y$", "$1$", "$5$", "$6$", "$y$", "$8$", "$9$", "$argon2", "$apr1$"], r"\$(?:2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}|[156y]\$(?:rounds=[0-9]+\$)?[./A-Za-z0-9$]{1,60}\$[./A-Za-z0-9]{22,86}|[89]\$[./A-Za-z0-9]{14}\$[./A-Za-z0-9]{43}|apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}|argon2(?:id|i|d)\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/=]{8,64}\$[A-Za-z0-9+/=]{20,128})", Any, Shape),
];
