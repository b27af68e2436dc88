-- What wrk reports, as JSON. With ENDPOINT it posts callbacks, each with an id of its own.
local endpoint, run = os.getenv("ENDPOINT"), os.getenv("RUN")

if endpoint and endpoint ~= "" then
    local count = 0
    local body = '{"requestId":"measured-%s-%d","accessToken":"a-token","endpoint":"%s"}'
    function request()
        count = count + 1
        return wrk.format("POST", nil, nil, body:format(run, count, endpoint))
    end
end

function done(summary, latency)
    local errors = summary.errors
    print(("JSON " .. [[{"requests":%d,"seconds":%f,"refused":%d,"failed":%d,"microseconds":{"p50":%d,"p90":%d,"p99":%d,"p99.9":%d}}]]):format(
        summary.requests, summary.duration / 1e6, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9)))
end
