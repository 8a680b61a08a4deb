//! List prices of a call: us-east-1, without the free tier, as of 2026.

/// USD for a million calls of an HTTP API, up to 300 million a month. Source: Amazon API Gateway pricing,
/// HTTP APIs.
pub const GATEWAY: f64 = 1.00;

/// USD for a million requests of a function. Source: AWS Lambda pricing.
pub const FUNCTION: f64 = 0.20;

/// USD for a GB of memory for a second, arm64. Source: AWS Lambda pricing.
pub const GB_SECOND: f64 = 0.000_013_333_4;

/// USD for a million read units on demand. Source: Amazon DynamoDB pricing, on-demand capacity.
pub const READ_UNITS: f64 = 0.125;

/// USD for a million write units on demand. Source: the same.
pub const WRITE_UNITS: f64 = 0.625;

/// USD for a GB of logs. Source: Amazon `CloudWatch` pricing, collected and vended logs alike.
pub const LOG_GB: f64 = 0.50;

/// Bytes of the gateway's log line for each call, in the format in `template.yaml`.
pub const ACCESS_LOG_BYTES: f64 = 255.0;

/// Milliseconds of a database call; concurrent calls count as consecutive ones. An assumption: nothing here
/// is measured on AWS.
pub const DATABASE_MS: f64 = 5.0;

/// Milliseconds of everything else in a function. An assumption too.
pub const OWN_MS: f64 = 1.0;

/// What one call uses that has a price.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// 1, or 0 for calls by the stream.
    pub gateway_calls: f64,
    pub function_calls: f64,
    /// In MB.
    pub memory: f64,
    pub database_calls: f64,
    pub read_units: f64,
    pub write_units: f64,
    pub log_bytes: f64,
}

/// USD for a million calls by cost type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// The gateway and the requests of functions.
    pub requests: f64,
    pub time: f64,
    pub reads: f64,
    pub writes: f64,
    /// Logs: the function's line and the gateway's.
    pub logs: f64,
}

impl Usage {
    /// The price of a million such calls.
    pub fn price_of_a_million(&self) -> Price {
        let milliseconds = self.function_calls * OWN_MS + self.database_calls * DATABASE_MS;
        let log_bytes = self.log_bytes + self.gateway_calls * ACCESS_LOG_BYTES;
        Price {
            requests: self.gateway_calls * GATEWAY + self.function_calls * FUNCTION,
            // A million calls of a thousandth of a second are a thousand seconds.
            time: 1000.0 * milliseconds * self.memory / 1024.0 * GB_SECOND,
            reads: self.read_units * READ_UNITS,
            writes: self.write_units * WRITE_UNITS,
            // A million bytes are a thousandth of a GB.
            logs: log_bytes / 1000.0 * LOG_GB,
        }
    }
}

impl Price {
    pub fn total(&self) -> f64 {
        self.requests + self.time + self.reads + self.writes + self.logs
    }
}

/// The formula, for readers of the table.
pub fn formula() -> String {
    format!(
        "USD for a million calls = {GATEWAY:.2} gateway + {FUNCTION:.2} function + ms × MB ÷ 1024 × \
         {:.4} + read units × {READ_UNITS} + write units × {WRITE_UNITS} + bytes of log × {:.4}; \
         ms = {OWN_MS} + {DATABASE_MS} for each database call (assumed), bytes = the function's line \
         as measured + {ACCESS_LOG_BYTES} of the gateway's. List prices of us-east-1, arm64.",
        1000.0 * GB_SECOND,
        LOG_GB / 1000.0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(price: f64, expected: f64) {
        assert!((price - expected).abs() < 1e-6, "{price}, not {expected}");
    }

    #[test]
    fn a_million_ban_checks_cost_the_list_prices() {
        let price = Usage {
            gateway_calls: 1.0,
            function_calls: 1.0,
            memory: 256.0,
            database_calls: 1.0,
            read_units: 2.0,
            write_units: 0.0,
            log_bytes: 345.0,
        }
        .price_of_a_million();
        is(price.requests, 1.20);
        // 6 ms of a quarter of a GB, a million times: 1,500 GB-seconds.
        is(price.time, 1500.0 * 0.000_013_333_4);
        is(price.reads, 0.25);
        is(price.writes, 0.0);
        // 600 bytes, a million times: 0.6 GB.
        is(price.logs, 0.30);
        is(price.total(), 1.20 + 0.02 + 0.000_000_1 + 0.25 + 0.30);
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
        is(price.total(), 0.002 + 0.125 + 1.875);
    }
}
