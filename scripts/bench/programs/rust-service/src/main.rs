//! The service whose rebuild the benchmark deploys. The lines marked VERSION and ROUTE are the ones that change.
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgPool, PgPoolOptions};

#[derive(Clone)]
struct App {
    pool: PgPool,
    client: reqwest::Client,
}

#[derive(Serialize, Deserialize, sqlx::FromRow)]
struct User {
    id: i64,
    name: String,
    created: chrono::DateTime<chrono::Utc>,
}

#[derive(clap::Parser)]
struct Args {
    #[arg(long, default_value = "8080")]
    port: u16,
}

async fn users(State(app): State<App>) -> Json<Vec<User>> {
    let rows = sqlx::query_as::<_, User>("select id, name, created from users");
    Json(rows.fetch_all(&app.pool).await.unwrap_or_default())
}

async fn user(State(app): State<App>, Path(id): Path<i64>) -> Json<Option<User>> {
    let row = sqlx::query_as::<_, User>("select id, name, created from users where id = $1").bind(id);
    Json(row.fetch_optional(&app.pool).await.ok().flatten())
}

async fn add(State(app): State<App>, Json(user): Json<User>) -> String {
    let insert = sqlx::query("insert into users(name) values ($1)").bind(&user.name);
    let stored = insert.execute(&app.pool).await.is_ok();
    let plain = regex::Regex::new("^[a-z]+$").unwrap().is_match(&user.name);
    format!("{} {stored} {plain}", uuid::Uuid::new_v4())
}

async fn mirror(State(app): State<App>, Path(url): Path<String>) -> String {
    match app.client.get(url).send().await {
        Ok(answer) => answer.text().await.unwrap_or_default(),
        Err(error) => error.to_string(),
    }
}

#[tokio::main]
async fn main() {
    tracing_subscriber::fmt().with_env_filter("info").init();
    let args = <Args as clap::Parser>::parse();
    let pool = PgPoolOptions::new().connect_lazy("postgres://localhost/bench").unwrap();
    let app = Router::new()
        .route("/users", get(users).post(add))
        .route("/users/:id", get(user))
        .route("/mirror/:url", post(mirror))
        // ROUTE
        .route("/", get(|| async { "version one" })) // VERSION
        .layer(tower_http::trace::TraceLayer::new_for_http())
        .with_state(App { pool, client: reqwest::Client::new() });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", args.port)).await.unwrap();
    axum::serve(listener, app).await.unwrap();
}
