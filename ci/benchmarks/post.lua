-- For wrk: POST the file that the variable BODY_FILE names, and say at the end as JSON what came of it.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = io.open(os.getenv("BODY_FILE")):read("*a")

done = function(summary, latency)
    local errors = summary.errors
    io.stderr:write(string.format(
        '{"requests":%d,"us":%d,"p50_us":%d,"p99_us":%d,"failed":%d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        errors.status + errors.timeout + errors.read + errors.write + errors.connect
    ))
end
