//! A plugin that uses its standard library as if there were a system under it.

wit_bindgen::generate!({
    path: "../../plugin-sdk/wit",
    world: "steps-plugin",
});

use std::collections::HashMap;
use std::io::{Read, Write};
use std::time::{Duration, Instant, SystemTime};

use exports::siyu::plugin::steps::{Answer, Fault, Guest};

struct Plugin;

export!(Plugin);

impl Guest for Plugin {
    fn describe() -> String {
        r#"{"name":"std-guest","version":"1.0.0","contract":"1.0.0","summary":"Uses its standard library."}"#
            .to_owned()
    }

    fn run(step: String, input: String) -> Result<Answer, Fault> {
        let output = match step.as_str() {
            "print" => print(&input),
            "clocks" => clocks(),
            "random" => random(),
            "surroundings" => surroundings(),
            "files" => files(),
            "network" => network(),
            "exit" => std::process::exit(3),
            "panic" => panic!("no stock of {input}"),
            "print-flood" => print_flood(),
            "sleep" => sleep(),
            _ => format!("\"no step {step}\""),
        };
        Ok(Answer::Done(output))
    }
}

fn print(input: &str) -> String {
    println!("hello {input}");
    eprintln!("careful with {input}");
    print!("no end of line");
    let flushed = std::io::stdout().flush().is_ok();
    flushed.to_string()
}

#[expect(clippy::disallowed_methods, reason = "this is what the sandbox must answer")]
fn wall_ms() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis())
}

fn clocks() -> String {
    let begun = Instant::now();
    let wall = wall_ms();
    let mut readings = 0u32;
    while begun.elapsed() < Duration::from_micros(100) {
        readings += 1;
    }
    format!(r#"{{"wall_ms":{wall},"readings":{readings}}}"#)
}

fn sleep() -> String {
    let begun = Instant::now();
    std::thread::sleep(Duration::from_secs(3_600));
    let wall = wall_ms();
    format!(r#"{{"slept_an_hour":{},"wall_ms":{wall}}}"#, begun.elapsed() >= Duration::from_secs(3_600))
}

fn random() -> String {
    let order: Vec<u32> = (0..20).map(|n| (n, n)).collect::<HashMap<u32, u32>>().into_keys().collect();
    format!("{order:?}")
}

fn surroundings() -> String {
    let mut input = String::new();
    let read = std::io::stdin().read_to_string(&mut input);
    format!(
        r#"{{"arguments":{},"variables":{},"directory":{},"input":{:?}}}"#,
        std::env::args().count(),
        std::env::vars().count(),
        std::env::current_dir().is_ok(),
        format!("{read:?}"),
    )
}

fn files() -> String {
    let tried = [
        std::fs::read("/etc/passwd").map(|_| ()),
        std::fs::write("/tmp/x", "x"),
        std::fs::create_dir("x"),
        std::fs::read_dir("/").map(|_| ()),
    ];
    format!("{:?}", tried.map(|result| format!("{:?}", result.map_err(|fault| fault.kind()))))
}

fn network() -> String {
    let tried = [
        std::net::TcpStream::connect("127.0.0.1:80").map(|_| ()),
        std::net::TcpStream::connect("example.com:80").map(|_| ()),
        std::net::UdpSocket::bind("127.0.0.1:0").map(|_| ()),
        std::net::TcpListener::bind("127.0.0.1:0").map(|_| ()),
    ];
    format!("{:?}", tried.map(|result| format!("{:?}", result.map_err(|fault| fault.kind()))))
}

fn print_flood() -> String {
    for line in 0..100_000 {
        println!("line {line}");
    }
    "null".to_owned()
}
