//! AWS's list prices, and what calls cost by them.
//!
//! us-east-1, without any free tier. From the service's pricing page named at each price, as of
//! [`AS_OF`].

use serde::Serialize;

/// When the prices were last compared with AWS's pages.
pub const AS_OF: &str = "2026-11-29";

pub const REGION: &str = "us-east-1";

/// USD for a million calls of an HTTP API, up to [`GATEWAY_TIER`] a month. Amazon API Gateway pricing.
pub const GATEWAY: f64 = 1.00;

/// The calls of a month at the first price.
pub const GATEWAY_TIER: f64 = 300e6;

/// USD for a million calls beyond that.
pub const GATEWAY_BEYOND: f64 = 0.90;

/// A call counts once per this many bytes of its request or answer. Amazon API Gateway pricing.
pub const GATEWAY_STEP: f64 = 512.0 * 1024.0;

/// USD for a million requests of a function. AWS Lambda pricing.
pub const FUNCTION: f64 = 0.20;

/// USD for a GB of memory for a second, arm64, metered by the millisecond. AWS Lambda pricing.
pub const GB_SECOND: f64 = 0.000_013_333_4;

/// USD for a million read units on demand. Amazon DynamoDB pricing, on-demand capacity. Lambda's reads of
/// the stream are free.
pub const READ_UNITS: f64 = 0.125;

/// USD for a million write units on demand. The same page.
pub const WRITE_UNITS: f64 = 0.625;

/// USD for a GB of table or index in a month. The same page.
pub const TABLE_GB: f64 = 0.25;

/// USD for a GB of point-in-time recovery in a month. The same page.
pub const RECOVERY_GB: f64 = 0.20;

/// USD for a GB of logs, collected and vended alike. Amazon `CloudWatch` pricing.
pub const LOG_GB: f64 = 0.50;

/// USD for a GB of stored logs in a month, which are compressed to about 15 %. The same page.
pub const STORED_LOG_GB: f64 = 0.03 * 0.15;

/// USD for a metric of our own in a month, for the hours in which it has a value. The same page.
pub const METRIC: f64 = 0.30;

/// USD in a month for each metric that an alarm watches, also by a query. The same page.
pub const ALARM_METRIC: f64 = 0.10;

/// USD for a dashboard in a month beyond [`FREE_DASHBOARDS`]. The same page.
pub const DASHBOARD: f64 = 3.00;

/// An account's dashboards that cost nothing, with up to 50 metrics each. The same page.
pub const FREE_DASHBOARDS: u32 = 3;

/// USD for a secret in a month. AWS Secrets Manager pricing.
pub const SECRET: f64 = 0.40;

/// USD for a million requests to a key. AWS Key Management Service pricing: $0.03 for 10,000.
pub const KEY_REQUESTS: f64 = 3.00;

/// USD for a GB that leaves AWS, up to 10 TB in a month. Amazon EC2 pricing, data transfer.
pub const DATA_OUT_GB: f64 = 0.09;

/// USD for a GB in S3 in a month. Amazon S3 pricing, Standard.
pub const OBJECT_GB: f64 = 0.023;

/// USD for a million uploads of an object. The same page.
pub const UPLOADS: f64 = 5.00;

/// USD for a million downloads or other reads of an object. The same page.
pub const DOWNLOADS: f64 = 0.40;

/// Bytes of the gateway's log line for each call, in the format in `template.yaml`.
pub const ACCESS_LOG_BYTES: f64 = 255.0;

/// Bytes of an answer besides its body: status, headers, framing. An assumption.
pub const ANSWER_HEADERS: f64 = 400.0;

/// Milliseconds of a database call; concurrent calls count as consecutive ones. An assumption: nothing here
/// is measured on AWS.
pub const DATABASE_MS: f64 = 5.0;

/// Milliseconds of everything else in a function. An assumption too.
pub const OWN_MS: f64 = 1.0;

/// What one call uses that has a price.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// 1, or 0 for calls by the stream or a schedule.
    pub gateway_calls: f64,
    pub function_calls: f64,
    /// In MB.
    pub memory: f64,
    pub database_calls: f64,
    pub read_units: f64,
    pub write_units: f64,
    pub log_bytes: f64,
    /// The body of the answer.
    pub answer_bytes: f64,
}

/// USD by cost type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Price {
    /// The gateway and the requests of functions.
    pub requests: f64,
    pub time: f64,
    pub reads: f64,
    pub writes: f64,
    /// Logs: the function's line and the gateway's.
    pub logs: f64,
    pub data_out: f64,
}

impl Usage {
    /// The price of a million such calls.
    #[must_use]
    pub fn price_of_a_million(&self) -> Price {
        let milliseconds = self.function_calls * OWN_MS + self.database_calls * DATABASE_MS;
        let log_bytes = self.log_bytes + self.gateway_calls * ACCESS_LOG_BYTES;
        let answer_bytes = self.answer_bytes + self.gateway_calls * ANSWER_HEADERS;
        let steps = (self.answer_bytes / GATEWAY_STEP).ceil().max(1.0);
        Price {
            requests: self.gateway_calls * steps * GATEWAY + self.function_calls * FUNCTION,
            // A million calls of a thousandth of a second are a thousand seconds.
            time: 1000.0 * milliseconds * self.memory / 1024.0 * GB_SECOND,
            reads: self.read_units * READ_UNITS,
            writes: self.write_units * WRITE_UNITS,
            // A million bytes are a thousandth of a GB.
            logs: log_bytes / 1000.0 * LOG_GB,
            data_out: answer_bytes / 1000.0 * DATA_OUT_GB,
        }
    }
}

impl Price {
    #[must_use]
    pub fn total(&self) -> f64 {
        self.requests + self.time + self.reads + self.writes + self.logs + self.data_out
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            time: self.time + other.time,
            reads: self.reads + other.reads,
            writes: self.writes + other.writes,
            logs: self.logs + other.logs,
            data_out: self.data_out + other.data_out,
        }
    }

    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        Self {
            requests: self.requests * factor,
            time: self.time * factor,
            reads: self.reads * factor,
            writes: self.writes * factor,
            logs: self.logs * factor,
            data_out: self.data_out * factor,
        }
    }
}

/// The formula, for readers of the table.
#[must_use]
pub fn formula() -> String {
    format!(
        "USD for a million calls = {GATEWAY:.2} gateway + {FUNCTION:.2} function + ms × MB ÷ 1024 × \
         {:.4} + read units × {READ_UNITS} + write units × {WRITE_UNITS} + bytes of log × {:.4} + bytes \
         out × {:.5}; ms = {OWN_MS} + {DATABASE_MS} for each database call (assumed), bytes of log = the \
         function's line as measured + {ACCESS_LOG_BYTES} of the gateway's, bytes out = the measured body \
         + {ANSWER_HEADERS} (assumed). List prices of {REGION}, arm64.",
        1000.0 * GB_SECOND,
        LOG_GB / 1000.0,
        DATA_OUT_GB / 1000.0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(price: f64, expected: f64) {
        assert!((price - expected).abs() < 1e-6, "{price}, not {expected}");
    }

    const CHECK: Usage = Usage {
        gateway_calls: 1.0,
        function_calls: 1.0,
        memory: 256.0,
        database_calls: 1.0,
        read_units: 2.0,
        write_units: 0.0,
        log_bytes: 345.0,
        answer_bytes: 100.0,
    };

    #[test]
    fn a_million_ban_checks_cost_the_list_prices() {
        let price = CHECK.price_of_a_million();
        is(price.requests, 1.20);
        // 6 ms of a quarter of a GB, a million times: 1,500 GB-seconds.
        is(price.time, 1500.0 * 0.000_013_333_4);
        is(price.reads, 0.25);
        is(price.writes, 0.0);
        // 600 bytes, a million times: 0.6 GB.
        is(price.logs, 0.30);
        // 500 bytes, a million times: half a GB.
        is(price.data_out, 0.045);
        is(
            price.total(),
            1.20 + 0.02 + 0.000_000_1 + 0.25 + 0.30 + 0.045,
        );
        is(price.times(2.0).total(), 2.0 * price.total());
    }

    #[test]
    fn large_answers_count_as_several_calls_of_the_gateway() {
        for (bytes, calls) in [(0.0, 1.0), (524_288.0, 1.0), (524_289.0, 2.0)] {
            let usage = Usage {
                answer_bytes: bytes,
                ..CHECK
            };
            is(usage.price_of_a_million().requests, calls + 0.20);
        }
    }

    #[test]
    fn calls_by_the_stream_pay_no_gateway() {
        let price = Usage {
            function_calls: 0.01,
            read_units: 1.0,
            write_units: 3.0,
            ..Usage::default()
        }
        .price_of_a_million();
        is(price.requests, 0.002);
        is(price.logs, 0.0);
        is(price.data_out, 0.0);
        is(price.total(), 0.002 + 0.125 + 1.875);
    }
}
