-- Every request a pay-in with an id of its own; the keys take turns. The last line is read by load.py.
local keys, number, run = {}, 0, os.getenv("BENCH_RUN")
for key in os.getenv("BENCH_KEYS"):gmatch("%S+") do keys[#keys + 1] = key end

function request()
  number = number + 1
  local body = string.format(
    '{"external_order_id": "%s-%d", "amount": "4750.00", "currency": "RUB", "payment_method": "card"}', run, number)
  return wrk.format("POST", nil, {["Content-Type"] = "application/json", ["X-API-Key"] = keys[number % #keys + 1]}, body)
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "refused": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f}\n', summary.requests,
    e.status + e.connect + e.read + e.write + e.timeout, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
