//! The addresses that only look: versions, updates, plans, changelogs.

use std::collections::BTreeMap;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::access::{Caller, Viewer};
use super::answer::{Answer, Said, blocking, tagged};
use super::api::BASE;
use super::changing::DryRunOrNothing;
use super::kept::{Kept, Question, kept};
use super::problem::{Problem, Refusals};
use super::query::Asked;
use super::text::{PlanTo, VersionText, extensions};
use crate::app::{
    self, ChangesOf, CheckView, Fetch, Goal, Installation, LeansOn, Ready, Report, StatusView, UpdateView, VersionView,
    Wish,
};
use crate::release::changelog::{Span, View, html, markdown, text};
use crate::serving::{Progress, Work, WorkId, parsed_update, parsed_version};
use crate::store::UpdateId;
use crate::version::Version;

/// The installed version.
#[utoipa::path(get, tag = "system", path = "/api/v1/system/version", security(("token" = ["viewer"])), responses(
    (status = 200, description = "What is installed, and where from", body = VersionView,
        headers(("ETag" = String, description = "For `If-None-Match`"))),
    (status = 304, description = "As it was"),
    Refusals))]
pub async fn version(
    _caller: Caller<Viewer>,
    work: web::Data<Work>,
    answers: web::Data<Kept>,
    request: HttpRequest,
) -> Answer {
    let find = move || app::version(&work.open()?);
    kept((&request, answers), Question::Version, |_| LeansOn::Nothing, find).await
}

/// Whether there is something newer. Asks the repository and verifies its answer.
#[utoipa::path(get, tag = "system", path = "/api/v1/system/updates/check", security(("token" = ["viewer"])), responses(
    (status = 200, description = "What there is", body = CheckView,
        headers(("ETag" = String, description = "For `If-None-Match`"))),
    (status = 304, description = "As it was"),
    Refusals))]
pub async fn check(_caller: Caller<Viewer>, work: web::Data<Work>, request: HttpRequest) -> Answer {
    let view = blocking(move || app::check(&work.open()?)).await?;
    tagged(&request, &view)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatusOf {
    /// This update; when absent the unfinished one, else the last.
    #[param(example = "update_0a1_0b1_20241219_120000")]
    update_id: Option<String>,
}

/// What is installed, what runs, what waits: the installation with one of its updates.
#[utoipa::path(get, operation_id = "standing", tag = "system", path = "/api/v1/system/status", security(("token" = ["viewer"])), params(StatusOf), responses(
    (status = 200, description = "As `netlink update status` shows it", body = StatusView,
        headers(("ETag" = String, description = "For `If-None-Match`"))),
    (status = 304, description = "As it was"),
    Refusals))]
pub async fn standing(
    _caller: Caller<Viewer>,
    work: web::Data<Work>,
    of: Asked<StatusOf>,
    request: HttpRequest,
) -> Answer {
    let id = of.into_inner().update_id.map(|id| parsed_update(&id)).transpose()?;
    let view = blocking(move || app::status(&work.open()?, id.as_ref())).await?;
    tagged(&request, &view)
}

/// How an update ended, or where it waits, after a fresh look at the installation.
#[utoipa::path(get, operation_id = "report", tag = "system", path = "/api/v1/system/updates/{update_id}/report", security(("token" = ["viewer"])),
    params(("update_id" = String, Path, example = "update_0a1_0b1_20241219_120000")), responses(
    (status = 200, description = "As the command line ends with it; `differences` is empty when all is well", body = Report),
    Refusals))]
pub async fn report(
    _caller: Caller<Viewer>,
    work: web::Data<Work>,
    id: web::Path<String>,
    request: HttpRequest,
) -> Answer {
    let id = parsed_update(&id)?;
    let report = blocking(move || app::report(&work.open()?, &id)).await?;
    tagged(&request, &report)
}

/// How an update is going, or went; also of an order that will become one.
#[utoipa::path(get, tag = "system", path = "/api/v1/system/updates/status/{update_id}", security(("token" = ["viewer"])),
    params(("update_id" = String, Path, description = "As the answer to starting it gave", example = "update_0a1_0b1_20241219_120000")),
    responses((status = 200, description = "Its state and that of each step; or what it waits for", body = Progress,
        headers(("ETag" = String, description = "For `If-None-Match`"))),
    (status = 304, description = "As it was"),
    Refusals))]
pub async fn status(
    _caller: Caller<Viewer>,
    work: web::Data<Work>,
    answers: web::Data<Kept>,
    id: web::Path<String>,
    request: HttpRequest,
) -> Answer {
    let id: WorkId = id.parse()?;
    if let WorkId::Update(update) = &id {
        let question = Question::Update(update.clone());
        return kept((&request, answers), question, Progress::leans_on, move || {
            work.progress_of(&id)
        })
        .await;
    }
    let progress = blocking(move || work.progress_of(&id)).await?;
    tagged(&request, &progress)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PlanVerb {
    Upgrade,
    Downgrade,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PlanWish {
    /// Where it is to lead.
    #[param(value_type = PlanTo)]
    to: String,
    /// As which it is meant; up or down, whichever leads there, when absent.
    #[param(inline)]
    verb: Option<PlanVerb>,
    /// Names of moves that are not recommended and are taken all the same, separated by commas.
    #[serde(default)]
    accept_risk: String,
    /// Names of extensions that may be switched off, separated by commas.
    #[serde(default)]
    #[param(example = "gallery")]
    disable_incompatible: String,
    /// Fetch whole packages, also of what lies on the disk of the installation already.
    #[serde(default)]
    #[param(default = false)]
    full: bool,
}

/// What going to a version would do; nothing is changed.
#[utoipa::path(get, tag = "system", path = "/api/v1/system/updates/plan", security(("token" = ["viewer"])), params(PlanWish), responses(
    (status = 200, description = "The plan with its explanation, or word that there is nothing to do", body = DryRunOrNothing),
    Refusals))]
pub async fn plan(
    _caller: Caller<Viewer>,
    work: web::Data<Work>,
    wish: Asked<PlanWish>,
    request: HttpRequest,
) -> Answer {
    let wish = wish.into_inner();
    let fetch = if wish.full { Fetch::Full } else { Fetch::AsNeeded };
    let accepted_risks = named(&wish.accept_risk).map(str::to_owned).collect();
    let disabled = extensions(named(&wish.disable_incompatible))?;
    let to = wish.way()?;
    let made = blocking(move || {
        let installation = work.open()?;
        let goal = to.goal(&installation, fetch)?;
        let order = app::order_of(goal, accepted_risks, disabled);
        Ok(match app::preview(&installation, &order)? {
            Ready::AlreadyThere(settled) => DryRunOrNothing::Nothing(settled.into()),
            Ready::Go(view) => DryRunOrNothing::DryRun(Box::new(app::outlook(&installation, view)?)),
        })
    });
    tagged(&request, &made.await?)
}

/// Where a plan is to lead.
enum Way {
    To(Version, Option<PlanVerb>),
    Highest(Wish),
    Back(Option<UpdateId>),
}

/// Of a list with commas, the names in it.
fn named(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

impl PlanWish {
    fn way(self) -> Result<Way, Problem> {
        Ok(match self.to.as_str() {
            "latest" => Way::Highest(Wish::Latest),
            "stable" => Way::Highest(Wish::Stable),
            "back" => Way::Back(None),
            id if id.starts_with("update_") => Way::Back(Some(parsed_update(id)?)),
            version => Way::To(parsed_version("to", version)?, self.verb),
        })
    }
}

impl Way {
    fn goal(self, installation: &Installation, fetch: Fetch) -> app::Result<Goal> {
        Ok(match self {
            Self::To(to, verb) => {
                let is_down = match verb {
                    Some(verb) => verb == PlanVerb::Downgrade,
                    None => installation.installed()?.is_some_and(|installed| to < installed),
                };
                match is_down {
                    true => Goal::Downgrade(to),
                    false => Goal::Upgrade(Wish::To(to), fetch),
                }
            }
            Self::Highest(wish) => Goal::Upgrade(wish, fetch),
            Self::Back(update) => app::way_back(installation, update.as_ref())?,
        })
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// As `next` of the page before.
    #[param(example = "41", pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
    #[serde(default = "page")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: u32,
}

fn page() -> u32 {
    20
}

#[derive(Debug, Serialize, ToSchema)]
pub struct History {
    /// Newest first.
    updates: Vec<UpdateView>,
    /// To be sent as `cursor` for the next page; null on the last one.
    #[schema(required = true)]
    next: Option<String>,
}

/// Updates of this installation, newest first.
#[utoipa::path(get, tag = "system", path = "/api/v1/system/updates", security(("token" = ["viewer"])), params(Page), responses(
    (status = 200, description = "A page of them", body = History,
        headers(("ETag" = String, description = "For `If-None-Match`"), ("Link" = Option<String>, description = "`rel=\"next\"`, unless this is the last page"))),
    (status = 304, description = "As it was"),
    Refusals))]
pub async fn history(
    _caller: Caller<Viewer>,
    work: web::Data<Work>,
    wanted: Asked<Page>,
    request: HttpRequest,
) -> Answer {
    let Page { cursor, limit } = wanted.into_inner();
    let wrong = |_| Problem::malformed("`cursor` is none that this address has given".to_owned());
    let before = cursor.map_or(Ok(i64::MAX), |cursor| cursor.parse::<i64>().map_err(wrong))?;
    if !(1..=100).contains(&limit) {
        return Err(Problem::malformed("`limit` is 1 to 100".to_owned()));
    }
    let (updates, next) = blocking(move || app::history_page(&work.open()?, before, limit)).await?;
    let next = next.map(|next| next.to_string());
    let link = next
        .as_ref()
        .map(|next| format!("<{BASE}/updates?limit={limit}&cursor={next}>; rel=\"next\""));
    let mut answer = tagged(&request, &History { updates, next })?;
    if let Some(link) = link.and_then(|link| link.parse().ok()) {
        answer.headers_mut().insert(header::LINK, link);
    }
    Ok(answer)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChangelogWish {
    /// Of this version alone, where it is among those that `since` and `until` leave; of the installed one when nothing is asked for.
    #[param(value_type = Option<VersionText>)]
    version: Option<String>,
    /// Everything after this version.
    #[param(value_type = Option<VersionText>)]
    since: Option<String>,
    /// Up to this version; an older one than `since` shows what gets lost.
    #[param(value_type = Option<VersionText>)]
    until: Option<String>,
    /// Pre-releases by themselves, not as part of their release.
    #[serde(default)]
    #[param(default = false)]
    pre: bool,
    /// Columns of plain text.
    #[serde(default = "columns")]
    #[param(minimum = 20, maximum = 400, default = 96)]
    width: u16,
}

fn columns() -> u16 {
    96
}

/// Of what the changelog looks like.
const VARIES: HeaderValue = HeaderValue::from_static("Accept");

/// What changed: as JSON, Markdown, HTML or plain text, whichever `Accept` prefers.
#[utoipa::path(get, tag = "system", path = "/api/v1/system/changelog", security(("token" = ["viewer"])), params(ChangelogWish), responses(
    (status = 200, description = "Newest first", content(
        (inline(Changes) = "application/json"), (String = "text/markdown"), (String = "text/html"), (String = "text/plain"))),
    Refusals))]
pub async fn changelog(
    _caller: Caller<Viewer>,
    work: web::Data<Work>,
    wish: Asked<ChangelogWish>,
    request: HttpRequest,
) -> Answer {
    let format = Format::accepted(&request)?;
    let width = usize::from(wish.width);
    if !(20..=400).contains(&width) {
        return Err(Problem::malformed("`width` is 20 to 400".to_owned()));
    }
    let of = wish.into_inner().changes()?;
    let view = blocking(move || app::changes(&work.open()?, &of)).await?;
    let mut answer = format.written(&view, width)?.to(&request);
    answer.headers_mut().insert(header::VARY, VARIES);
    Ok(answer)
}

/// The changelog of the releases asked for, as `netlink update changelog --format json` gives it.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct Changes(BTreeMap<String, serde_json::Value>);

impl ChangelogWish {
    fn changes(self) -> Result<ChangesOf, Problem> {
        let parse = |name: &str, text: Option<String>| text.map(|text| parsed_version(name, &text)).transpose();
        let version = parse("version", self.version)?;
        let (since, until) = (parse("since", self.since)?, parse("until", self.until)?);
        let is_bounded = since.is_some() || until.is_some();
        let span = Span {
            since,
            until,
            pre: self.pre,
        };
        Ok(match version {
            Some(version) if span.holds(&version) => ChangesOf::One(version),
            // Nothing is after a version and up to it.
            Some(version) => ChangesOf::Span(Span {
                since: Some(version.clone()),
                until: Some(version),
                ..span
            }),
            None if is_bounded => ChangesOf::Span(span),
            None => ChangesOf::Installed,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Markdown,
    Html,
    Text,
}

impl Format {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Json, "application/json"),
        (Self::Markdown, "text/markdown"),
        (Self::Html, "text/html"),
        (Self::Text, "text/plain"),
    ];

    /// The best of `Accept` (RFC 9110): the highest weight, of equal ones the first that is named.
    fn accepted(request: &HttpRequest) -> Result<Self, Problem> {
        let sent = request.headers().get(header::ACCEPT);
        let sent = sent.and_then(|value| value.to_str().ok()).unwrap_or("*/*");
        let mut best: Option<(f32, Self)> = None;
        for wanted in sent.split(',') {
            let mut parts = wanted.split(';').map(str::trim);
            let range = parts.next().unwrap_or_default();
            let weight = parts
                .find_map(|part| part.strip_prefix("q=")?.parse().ok())
                .unwrap_or(1.0);
            let fits = |name: &str| {
                range == "*/*"
                    || range == name
                    || range
                        .strip_suffix("/*")
                        .is_some_and(|main| name.split('/').next() == Some(main))
            };
            let found = Self::ALL.iter().find(|(_, name)| fits(name));
            if let Some((format, _)) = found.filter(|_| weight > best.map_or(0.0, |(best, _)| best)) {
                best = Some((weight, *format));
            }
        }
        let names = Self::ALL.map(|(_, name)| name).join(", ");
        best.map(|(_, format)| format)
            .ok_or_else(|| Problem::not_acceptable(&names))
    }

    fn written(self, view: &View, width: usize) -> app::Result<Said> {
        let plain = |_, words: &str| words.to_owned();
        let (body, content_type) = match self {
            Self::Json => return Said::of(view),
            Self::Markdown => (markdown(view), "text/markdown; charset=utf-8"),
            Self::Html => (html(view), "text/html; charset=utf-8"),
            Self::Text => (text(view, width, &plain), "text/plain; charset=utf-8"),
        };
        Said::written(body, HeaderValue::from_static(content_type))
    }
}
