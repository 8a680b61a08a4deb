//! `HttpService`.

use std::time::Duration;

use roblox_engine::{Fault, Mode, Response};

use super::{PLACE, assert_no_errors, seconds, universe};

/// Defines `raises` and `http`.
const HELPERS: &str = r#"
    local http = game:GetService("HttpService")
    local function raises(text, options)
        local worked, problem = pcall(http.RequestAsync, http, options)
        assert(not worked and type(problem) == "string")
        assert(string.find(problem, text, 1, true), problem)
    end
"#;

fn script(body: &str) -> String {
    format!("{HELPERS}{body}")
}

#[test]
fn options_are_checked_like_the_engine_does() {
    let universe = universe();
    universe.set_secret("key", "hidden", "api.example");
    let server = universe.start(PLACE);
    let script = script(
        r#"
        local url = "https://api.example/a"
        raises("not allowed", { Url = url, Headers = { ["User-Agent"] = "me" } })
        raises("not allowed", { Url = url, Headers = { ["Roblox-Id"] = "1" } })
        raises("must be a string or Secret", { Url = url, Headers = { a = 1 } })
        raises("must not have a body", { Url = url, Body = "{}" })
        raises("must be a string", { Url = url, Method = "POST", Body = {} })
        raises("Timeout", { Url = url, Timeout = 0 })
        raises("Timeout", { Url = url, Timeout = 1.5 })
        raises("no option", { Url = url, Verb = "GET" })
        raises("Compress", { Url = url, Compress = true })
        raises("ConnectFail", { Url = "http://nowhere/" })
        assert(http:JSONEncode({}) == "[]" and http:JSONEncode({ 1, 2, x = 3 }) == "[1,2]")
        assert(http:JSONDecode("9007199254740993") == 9007199254740992)
        assert(not pcall(http.JSONDecode, http, "<html>"))

        local secret = http:GetSecret("key"):AddPrefix("Bearer ")
        assert(typeof(secret) == "Secret" and tostring(secret) == "Secret")
        assert(not pcall(function() return "Bearer " .. secret end))
        assert(not pcall(http.JSONEncode, http, { secret }))
        raises("may not be sent", { Url = "https://other.example/", Headers = { a = secret } })
        raises("must be a string", { Url = url, Method = "POST", Body = secret })
        assert(not pcall(http.GetSecret, http, "none"))
        local response = http:RequestAsync({ Url = url, Headers = { Authorization = secret } })
        assert(response.Success and response.StatusCode == 200)
        assert(string.find(response.Body, '"authorization","Bearer hidden"', 1, true))
        assert(string.find(response.Body, '"roblox-id","7"', 1, true))
        "#,
    );
    server.run("options", &script).wait::<()>();
    assert_no_errors(&universe);
    assert_eq!(universe.traffic().tally("GET /a").reached, 1);
}

#[test]
fn faults_raise_or_return_what_the_engine_would() {
    let universe = universe();
    let server = universe.start(PLACE);
    let request = |fault: Option<Fault>| -> (String, f64) {
        universe.traffic().set_fault(move |_| fault.clone());
        let script = script(
            r#"
            local before = os.clock()
            local worked, result = pcall(http.RequestAsync, http, { Url = "https://a/b", Timeout = 4 })
            local text = if worked then `{result.StatusCode} {#result.Body > 20}` else result
            return text, os.clock() - before
            "#,
        );
        server.run("faults", &script).wait()
    };
    assert_eq!(request(None).0, "200 true");
    assert_eq!(
        request(Some(Fault::Unreachable)).0,
        "HttpError: ConnectFail"
    );
    for fault in [
        Fault::LostRequest,
        Fault::LostResponse,
        Fault::Slow(seconds(9)),
    ] {
        let (text, time) = request(Some(fault));
        assert_eq!(text, "HttpError: TimedOut");
        assert!((time - 4.0).abs() < 0.01, "{time}");
    }
    let busy = Response::new(429, "{}").header("Retry-After", "3");
    assert_eq!(request(Some(Fault::Instead(busy))).0, "429 false");
    let (_, time) = request(Some(Fault::Slow(seconds(3))));
    assert!((time - 3.0).abs() < 0.01, "{time}");
    // Lost requests and other answers never reached the API.
    let tally = universe.traffic().tally("GET /b");
    assert_eq!((tally.sent, tally.reached), (7, 4));
}

#[test]
fn request_over_the_limit_stalls_and_raises() {
    let universe = universe();
    let server = universe.start(PLACE);
    let script = script(
        r#"
        for _ = 1, 500 do
            task.spawn(http.RequestAsync, http, { Url = "https://a/b" })
        end
        local before = os.clock()
        raises("Number of requests exceeded limit", { Url = "https://a/b" })
        assert(os.clock() - before >= 30)
        task.wait(31)
        http:RequestAsync({ Url = "https://a/b" })
        "#,
    );
    server.run("limit", &script).wait::<()>();
    assert_no_errors(&universe);
    assert_eq!(server.busiest_minute(), 500);
}

#[test]
fn studio_sends_three_requests_at_once_and_has_only_local_secrets() {
    let universe = universe();
    universe.set_secret("key", "hidden", "a");
    universe.traffic().set_latency(seconds(1), seconds(1));
    let studio = universe.start_as(PLACE, Mode::Studio);
    let script = script(
        r#"
        assert(game.JobId == "" and game:GetService("RunService"):IsStudio())
        assert(not pcall(http.GetSecret, http, "key"))
        local messages = game:GetService("MessagingService")
        assert(not pcall(messages.SubscribeAsync, messages, "a", print))
        game:GetService("Players"):BanAsync({
            UserIds = { 1 }, Duration = -1, DisplayReason = "a", PrivateReason = "b",
        })
        local done = 0
        for _ = 1, 6 do
            task.spawn(function()
                http:RequestAsync({ Url = "https://a/b" })
                done += 1
            end)
        end
        task.wait(1.01)
        assert(done == 3)
        task.wait(1.1)
        assert(done == 6)
        "#,
    );
    studio.run("studio", &script).wait::<()>();
    assert_eq!(universe.bans().users(), [0; 0]);
    universe.run_for(Duration::from_secs(1));
    assert_no_errors(&universe);
}
