//! The least that an HTTP server with JSON does, to be measured beside NetLink's: the same framework, the same number of workers.

use actix_web::{App, HttpResponse, HttpServer, web};
use serde::Serialize;

#[derive(Serialize)]
struct Hello {
    message: &'static str,
}

async fn hello() -> HttpResponse {
    HttpResponse::Ok().json(Hello { message: "hello" })
}

fn main() -> std::io::Result<()> {
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(|| App::new().route("/hello", web::get().to(hello)))
            .workers(2)
            .bind(("127.0.0.1", 0))?;
        for address in server.addrs() {
            eprintln!("listening at http://{address}");
        }
        server.run().await
    })
}
