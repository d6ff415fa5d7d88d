/* Made by `npm run build:scripts` of src/store/steps. Change those, not this. */
export const scripts: Readonly<Record<string, string>> = {
  send: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    return redis.error_reply('WRONGTYPE of a record')
  end
  boxes[name] = box
end
local skew = 10000
local function flowOf(box, now)
local flow = box and box.value
if flow == nil or flow.created > now + skew or flow.kept <= now then
return nil
end
return flow
end
local function noCounts()
return {
own = {},
site = {},
app = {},
country = {},
number = {}
}
end
local function addressOf(box)
return box and box.value or ({uses = {}})
end
local function takeUses(uses, older, now)
for name in pairs(older) do
local window = older[name]
local ____temp_7 = window ~= nil and window.ends > now
if ____temp_7 then
local ____window_n_6 = window.n
local ____opt_4 = uses[name]
____temp_7 = ____window_n_6 > (____opt_4 and ____opt_4.n or 0)
end
if ____temp_7 then
uses[name] = {n = window.n, ends = window.ends}
end
end
end
local function faded(meter, halfLife, now)
if meter == nil then
return {sent = 0, verified = 0, at = now}
end
local weight = 2 ^ (-math.max(now - meter.at, 0) / (halfLife * 1000))
return {sent = meter.sent * weight, verified = meter.verified * weight, at = now}
end
local function largerMeter(meter, older, halfLife, now)
if meter == nil or older == nil then
return meter or older
end
local own = faded(meter, halfLife, now)
local other = faded(older, halfLife, now)
return other.sent - other.verified > own.sent - own.verified and older or meter
end
local halfLives = {address = 43200, country = 43200, range = 3600}
local function union(members, older, now)
if older == nil or older.ends <= now then
return members
end
if members == nil or members.ends <= now then
return older
end
for name in pairs(older.of) do
members.of[name] = math.max(members.of[name] or 0, older.of[name] or 0)
end
return members
end
local function sharedOf(box)
return box and box.value or ({uses = {}})
end
local function numberOf(box)
return box and box.value or ({uses = {}})
end
local function renew(uses, limits, now)
local renewed = false
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local window = uses[name]
if window ~= nil and window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
renewed = true
end
end
return renewed
end
local function prune(uses, now)
local last = 0
for name in pairs(uses) do
local window = uses[name]
if window ~= nil then
if window.ends <= now then
uses[name] = nil
elseif window.ends > last then
last = window.ends
end
end
end
return last
end
local meterKept = 4
local function keepUntil(box, value, ends, now)
box.value = value
box.keep = math.max(ends - now, 0)
end
local function keepAddress(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_12 = record
local meter = ____record_12.meter
local countries = ____record_12.countries
local failed = ____record_12.failed
if meter ~= nil then
ends = math.max(ends, meter.at + halfLives.address * meterKept * 1000)
end
if countries ~= nil then
ends = math.max(ends, countries.ends)
end
if failed ~= nil then
ends = math.max(ends, failed.ends)
end
keepUntil(box, record, ends, now)
end
local function failuresOf(number, now)
local ____number_13 = number
local failures = ____number_13.failures
if failures ~= nil and failures.last > now then
failures.wait = math.max((failures.wait or 0) - failures.last + now, 0)
failures.last = now
end
return failures
end
local failuresKept = 365 * 86400000
local function pruneFlows(record, now)
local ____record_14 = record
local flows = ____record_14.flows
if flows == nil then
return 0
end
local last = 0
for name in pairs(flows) do
local ends = flows[name]
if ends ~= nil and ends <= now then
flows[name] = nil
elseif ends ~= nil then
last = math.max(last, ends)
end
end
if last == 0 then
record.flows = nil
end
return last
end
local function keepNumber(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_15 = record
local latest = ____record_15.latest
local failures = ____record_15.failures
if latest ~= nil and latest["until"] <= now then
record.latest = nil
elseif latest ~= nil then
ends = math.max(ends, latest["until"])
end
if failures ~= nil then
ends = math.max(ends, failures.last + failuresKept)
end
ends = math.max(
ends,
pruneFlows(record, now)
)
keepUntil(box, record, ends, now)
end
local function setTryRight(boxes, address, browserLimit, now)
if address ~= nil then
local own = addressOf(boxes.own)
local failed = own.failed
local moved = renew(own.uses, {address.failures}, now)
local ends = now + address.numbers.duration * 1000
if failed ~= nil and failed.ends > ends then
failed.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
end
local number = numberOf(boxes.number)
local ahead = number.failures ~= nil and number.failures.last > now
if ahead then
failuresOf(number, now)
end
local moved = ahead
if browserLimit ~= nil and renew(number.uses, {browserLimit}, now) then
moved = true
end
if moved then
keepNumber(boxes.number, number, now)
end
end
local function failures(boxes, _args, now)
setTryRight(boxes, nil, nil, now)
local ____temp_16
if boxes.number == nil then
____temp_16 = nil
else
____temp_16 = failuresOf(
numberOf(boxes.number),
now
)
end
local failed = ____temp_16
local wait = math.max(
0,
math.ceil(((failed and failed.wait or 0) - now) / 1000)
)
return {total = failed and failed.total or 0, wait = wait}
end
local function carry(failures, origin, older, now)
local next = failures or ({total = 0, last = older.last})
local carried = next.carried or ({})
next.total = next.total + math.max(older.total - (carried[origin] or 0), 0)
carried[origin] = older.total
next.carried = carried
if (older.wait or 0) > now then
next.wait = math.max(next.wait or 0, older.wait or 0)
end
return next
end
local function takeNumber(box, tag, older, now)
if box == nil then
return
end
local record = numberOf(box)
takeUses(record.uses, older.uses, now)
local ____older_21 = older
local latest = ____older_21.latest
local failures = ____older_21.failures
local ____temp_25 = latest ~= nil
if ____temp_25 then
local ____latest_until_24 = latest["until"]
local ____opt_22 = record.latest
____temp_25 = ____latest_until_24 > (____opt_22 and ____opt_22["until"] or now)
end
if ____temp_25 then
record.latest = latest
end
if failures ~= nil and failures.total > 0 then
record.failures = carry(record.failures, tag, failures, now)
end
box.value = record
end
local function takeEach(boxes, older, now)
local ____older_26 = older
local tag = ____older_26.tag
local own = ____older_26.own
local site = ____older_26.site
local number = ____older_26.number
local range = ____older_26.range
if own ~= nil and boxes.own ~= nil then
local record = addressOf(boxes.own)
takeUses(record.uses, own.uses, now)
record.meter = largerMeter(record.meter, own.meter, halfLives.address, now)
record.countries = union(record.countries, own.countries, now)
record.failed = union(record.failed, own.failed, now)
boxes.own.value = record
end
if site ~= nil and boxes.site ~= nil then
local record = addressOf(boxes.site)
takeUses(record.uses, site.uses, now)
boxes.site.value = record
end
if range ~= nil and boxes.range ~= nil then
local record = sharedOf(boxes.range)
record.meter = largerMeter(record.meter, range.meter, halfLives.range, now)
boxes.range.value = record
end
if number ~= nil then
takeNumber(boxes.number, tag, number, now)
end
end
local function takeOver(boxes, older, now)
for ____, each in ipairs(older or ({})) do
takeEach(boxes, each, now)
end
end
local function keepShared(box, record, now, halfLife)
if box == nil then
return
end
local ____record_27 = record
local meter = ____record_27.meter
local ends = prune(record.uses, now)
local faded = meter == nil and 0 or meter.at + halfLife * meterKept * 1000
keepUntil(
box,
record,
math.max(ends, faded),
now
)
end
local function setMessageRight(boxes, ____bindingPattern0, cooldown, now)
local number
local shared
local address
address = ____bindingPattern0.address
shared = ____bindingPattern0.shared
number = ____bindingPattern0.number
if address ~= nil then
local own = addressOf(boxes.own)
local countries = own.countries
local moved = renew(own.uses, address.own, now)
if renew(own.uses, {address.waits}, now) then
moved = true
end
local ends = now + address.countries.duration * 1000
if countries ~= nil and countries.ends > ends then
countries.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
local site = addressOf(boxes.site)
if renew(site.uses, address.site, now) then
keepAddress(boxes.site, site, now)
end
end
if shared ~= nil then
local app = sharedOf(boxes.app)
if renew(app.uses, shared.app, now) then
keepShared(boxes.app, app, now, 0)
end
local country = sharedOf(boxes.country)
if renew(country.uses, shared.ofCountry, now) then
keepShared(boxes.country, country, now, halfLives.country)
end
end
local record = numberOf(boxes.number)
local latest = record.latest
local waits = false
if number ~= nil then
if renew(record.uses, number.always, now) then
waits = true
end
if renew(record.uses, number.limits, now) then
waits = true
end
if renew(record.uses, number.own, now) then
waits = true
end
end
if latest ~= nil and cooldown ~= nil and latest["until"] > now + cooldown * 1000 then
latest["until"] = now + cooldown * 1000
waits = true
end
if waits then
keepNumber(boxes.number, record, now)
end
end
local function windowOf(uses, name, duration, now)
local window = uses[name]
if window == nil or window.ends <= now then
return {n = 0, ends = now + duration * 1000}
end
if window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
end
return window
end
local function longer(one, other)
if one == nil or other == nil then
return one or other
end
return other.wait > one.wait and other or one
end
local function refusalOf(uses, limits, now)
local refused
for ____, ____value in ipairs(limits) do
local name = ____value.name
local points = ____value.points
local duration = ____value.duration
local cost = ____value.cost
local ____windowOf_result_28 = windowOf(uses or ({}), name, duration, now)
local n = ____windowOf_result_28.n
local ends = ____windowOf_result_28.ends
local used = n + (cost or 1)
if used > points then
refused = longer(refused, {limit = name, used = used, wait = ends - now})
end
end
return refused
end
local function deny(by, ____bindingPattern0)
local wait
local used
local limit
limit = ____bindingPattern0.limit
used = ____bindingPattern0.used
wait = ____bindingPattern0.wait
return {
status = "limited",
by = by,
limit = limit,
used = used,
wait = wait
}
end
local function refuseFlood(boxes, parts, cooldown, now)
takeOver(boxes, parts.older, now)
setMessageRight(boxes, parts, cooldown, now)
local ____parts_29 = parts
local address = ____parts_29.address
if address == nil then
return nil
end
local ____refusalOf_34 = refusalOf
local ____opt_32 = boxes.own
local ____opt_30 = ____opt_32 and ____opt_32.value
local refused = ____refusalOf_34(____opt_30 and ____opt_30.uses, {address.waits}, now)
local ____temp_35
if refused == nil then
____temp_35 = nil
else
____temp_35 = deny("own", refused)
end
return ____temp_35
end
local function refusalOfFlow(flow, now)
if flow == nil or flow.state == "completed" then
return "none"
end
if flow.state == "dead" then
return (flow["end"] == "expired" or flow["end"] == "attempts") and flow["end"] or "none"
end
return flow.state ~= "verified" and flow.expires <= now and "expired" or nil
end
local longestLease = 35000
local function leaseOf(lease, now)
if lease == nil or lease > now + longestLease + skew then
return 0
end
return lease
end
local function canBeLookedUp(flow)
return flow.code == nil
end
local function viewOf(flow, now)
return {
state = flow.state,
["end"] = flow["end"],
reference = flow.reference,
number = flow.number,
otp = flow.otp,
via = flow.via,
country = flow.country,
purpose = flow.purpose,
language = flow.language,
expiresIn = (flow.expires - now) / 1000,
sentAgo = (now - flow.sent) / 1000,
resends = flow.resends or 0,
attempts = flow.attempts or 0,
counted = flow.counted or 0,
delivery = flow.delivery or "unknown"
}
end
local function takeTurn(flow, every, now)
local last = flow.askedAt
if last ~= nil and last <= now and now - last < every * 1000 then
return false
end
flow.askedAt = now
return true
end
local lookupLease = 4
local function takeLookup(flow, every, now)
if not takeTurn(flow, every, now) then
return false
end
flow.state = "unconfirmed"
flow.lease = now + lookupLease * 1000
return true
end
local function keepFlow(box, flow, now)
box.value = flow
box.keep = math.max(flow.kept - now, 1)
end
local function joinSend(box, request, own, now)
local flow = flowOf(box, now)
if box == nil or flow == nil or refusalOfFlow(flow, now) ~= nil or flow.state == "verified" or flow.via ~= request.via or flow.purpose ~= request.purpose then
return nil
end
local recent = now - flow.sent < request.cooldown * 1000
if flow.state ~= "pending" then
if leaseOf(flow.lease, now) > now then
return {status = "busy"}
end
if not request.lookedUp and canBeLookedUp(flow) then
if not recent then
return {
status = "lookup",
own = own,
record = viewOf(flow, now)
}
end
if takeLookup(flow, request.lookupEvery, now) then
keepFlow(box, flow, now)
return {
status = "lookup",
own = own,
record = viewOf(flow, now)
}
end
end
end
return recent and ({
status = "current",
own = own,
record = viewOf(flow, now)
}) or nil
end
local function waitOf(number, knownBrowser, longest, now)
local ____number_36 = number
local latest = ____number_36.latest
if latest == nil or latest["until"] <= now then
return 0
end
if latest["until"] > now + longest then
latest["until"] = now + longest
end
if knownBrowser and latest.reserved == true then
return 0
end
return latest["until"] - now
end
local function waitForSend(boxes, request, now)
local joined = joinSend(boxes.current, request, false, now) or joinSend(boxes.flow, request, true, now)
if joined ~= nil then
return joined
end
local wait = waitOf(
numberOf(boxes.number),
request.knownBrowser,
request.cooldown * 1000,
now
)
return wait > 0 and ({
status = "too_soon",
retryAfter = math.ceil(wait / 1000)
}) or nil
end
local function refusedNumber(uses, ____bindingPattern0, now)
local own
local limits
limits = ____bindingPattern0.limits
own = ____bindingPattern0.own
local refused = refusalOf(uses, limits, now)
if refused == nil or #own == 0 then
return refused
end
local ofOwn = refusalOf(uses, own, now)
local ____temp_37
if ofOwn == nil or ofOwn.wait < refused.wait then
____temp_37 = ofOwn
else
____temp_37 = refused
end
return ____temp_37
end
local function denied(boxes, parts, now)
local ____parts_38 = parts
local address = ____parts_38.address
local shared = ____parts_38.shared
local number = ____parts_38.number
if address ~= nil then
local own = refusalOf(
addressOf(boxes.own).uses,
address.own,
now
)
local site = refusalOf(
addressOf(boxes.site).uses,
address.site,
now
)
local refused = longer(own, site)
if refused ~= nil then
return deny(refused == own and "own" or "site", refused)
end
end
if shared ~= nil then
local refused = longer(
refusalOf(
sharedOf(boxes.app).uses,
shared.app,
now
),
refusalOf(
sharedOf(boxes.country).uses,
shared.ofCountry,
now
)
)
if refused ~= nil then
return deny("shared", refused)
end
end
if number ~= nil then
local ____numberOf_result_39 = numberOf(boxes.number)
local uses = ____numberOf_result_39.uses
local refused = longer(
refusalOf(uses, number.always, now),
refusedNumber(uses, number, now)
)
if refused ~= nil then
return deny("number", refused)
end
end
return nil
end
local function longestWait(boxes, ____bindingPattern0, seconds, now)
local number
local address
address = ____bindingPattern0.address
number = ____bindingPattern0.number
local refused = denied(boxes, {address = address, number = number}, now)
return refused == nil and seconds or math.max(
seconds,
math.ceil(refused.wait / 1000)
)
end
local function count(uses, limits, now, counts)
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local cost = ____value.cost
local idle = ____value.idle
local ____windowOf_result_40 = windowOf(uses, name, duration, now)
local n = ____windowOf_result_40.n
local ends = ____windowOf_result_40.ends
if idle == nil then
uses[name] = {n = n + (cost or 1), ends = ends}
end
counts[name] = {used = n + (cost or 1), wait = ends - now}
end
end
local function countWaits(boxes, waits, now)
if boxes.own == nil then
return
end
local own = addressOf(boxes.own)
count(own.uses, {waits}, now, {})
keepAddress(boxes.own, own, now)
end
local function countWait(boxes, ____bindingPattern0, now)
local address
address = ____bindingPattern0.address
if address ~= nil then
countWaits(boxes, address.waits, now)
end
end
local function suspect(odd, by, meter, ____bindingPattern0, now)
local enforced
local share
local free
free = ____bindingPattern0.free
share = ____bindingPattern0.share
enforced = ____bindingPattern0.enforced
local ____faded_result_41 = faded(meter, halfLives[by], now)
local sent = ____faded_result_41.sent
local verified = ____faded_result_41.verified
local unverified = sent + 1 - verified
if unverified > free + share * verified then
odd[#odd + 1] = {by = by, unverified = unverified, verified = verified, enforced = enforced}
end
end
local function membersOf(members, duration, now)
if members == nil or members.ends <= now then
return {of = {}, ends = now + duration * 1000}
end
if members.ends > now + duration * 1000 then
members.ends = now + duration * 1000
end
return members
end
local function sizeOf(members)
local size = 0
for name in pairs(members.of) do
if members.of[name] ~= nil then
size = size + 1
end
end
return size
end
local function oddOf(boxes, parts, now)
local odd = {}
local ____parts_42 = parts
local address = ____parts_42.address
local shared = ____parts_42.shared
if shared ~= nil then
suspect(
odd,
"country",
sharedOf(boxes.country).meter,
shared.country,
now
)
end
if address ~= nil then
suspect(
odd,
"address",
addressOf(boxes.own).meter,
address.meter,
now
)
end
if shared ~= nil then
suspect(
odd,
"range",
sharedOf(boxes.range).meter,
shared.range,
now
)
end
if address ~= nil then
local ____address_countries_43 = address.countries
local points = ____address_countries_43.points
local duration = ____address_countries_43.duration
local enforced = ____address_countries_43.enforced
local members = membersOf(
addressOf(boxes.own).countries,
duration,
now
)
local size = sizeOf(members)
if size >= points and members.of[address.country] == nil then
local wait = members.ends - now
odd[#odd + 1] = {
by = "countries",
unverified = size + 1,
verified = 0,
enforced = enforced,
wait = wait
}
end
end
return odd
end
local function isEnforced(odd)
for ____, ____value in ipairs(odd) do
local enforced = ____value.enforced
if enforced then
return true
end
end
return false
end
local function metered(meter, halfLife, now, sent, verified)
local next = faded(meter, halfLife, now)
next.sent = math.max(next.sent + sent, 0)
next.verified = math.max(next.verified + verified, 0)
local ____temp_44
if next.sent + next.verified < 0.001 then
____temp_44 = nil
else
____temp_44 = next
end
return ____temp_44
end
local function enter(members, name)
members.of[name] = (members.of[name] or 0) + 1
return members
end
local function countMessage(boxes, parts, now)
local counts = {
own = {},
site = {},
app = {},
country = {},
number = {}
}
local ____parts_45 = parts
local address = ____parts_45.address
local shared = ____parts_45.shared
local number = ____parts_45.number
if address ~= nil then
local own = addressOf(boxes.own)
count(own.uses, address.own, now, counts.own)
own.meter = metered(
own.meter,
halfLives.address,
now,
1,
0
)
own.countries = enter(
membersOf(own.countries, address.countries.duration, now),
address.country
)
keepAddress(boxes.own, own, now)
if #address.site > 0 then
local site = addressOf(boxes.site)
count(site.uses, address.site, now, counts.site)
keepAddress(boxes.site, site, now)
end
end
if shared ~= nil then
local app = sharedOf(boxes.app)
count(app.uses, shared.app, now, counts.app)
keepShared(boxes.app, app, now, 0)
local country = sharedOf(boxes.country)
count(country.uses, shared.ofCountry, now, counts.country)
if not shared.decoy then
country.meter = metered(
country.meter,
halfLives.country,
now,
1,
0
)
end
keepShared(boxes.country, country, now, halfLives.country)
local range = sharedOf(boxes.range)
range.meter = metered(
range.meter,
halfLives.range,
now,
1,
0
)
keepShared(boxes.range, range, now, halfLives.range)
end
if number ~= nil then
local record = numberOf(boxes.number)
local full = refusalOf(record.uses, number.limits, now) ~= nil
count(record.uses, number.always, now, counts.number)
count(record.uses, full and number.own or number.limits, now, counts.number)
keepNumber(boxes.number, record, now)
end
return counts
end
local function orNone(odd)
return #odd > 0 and odd or nil
end
local function admit(boxes, parts, passed, now)
local refused = denied(boxes, parts, now)
if refused ~= nil then
if refused.by == "shared" or refused.by == "number" then
countWait(boxes, parts, now)
end
return refused
end
local odd = oddOf(boxes, parts, now)
if not passed and isEnforced(odd) then
countWait(boxes, parts, now)
return {status = "odd", odd = odd}
end
return {
status = "admitted",
counts = countMessage(boxes, parts, now),
odd = orNone(odd)
}
end
local endedKept = 600000
local function reserveLatest(number, flow, knownBrowser, cooldown, now)
local ____number_46 = number
local latest = ____number_46.latest
local passes = knownBrowser and latest ~= nil and latest.reserved == true and latest["until"] > now
local ____number_50 = number
local ____flow_48 = flow
local ____temp_49 = now + cooldown * 1000
local ____knownBrowser_47
if knownBrowser then
____knownBrowser_47 = nil
else
____knownBrowser_47 = true
end
____number_50.latest = {flow = ____flow_48, ["until"] = ____temp_49, reserved = ____knownBrowser_47, passed = passes and latest["until"] or nil}
end
local longestLifetime = 600000
local function reserveSend(boxes, request, now)
local expires = now + request.lifetime * 1000
local flow = {
state = "sending",
reference = request.reference,
number = request.number,
code = request.code,
via = request.via,
country = request.country,
purpose = request.purpose,
language = request.language,
created = now,
sent = now,
expires = expires,
kept = expires + endedKept,
lease = now + request.lease * 1000
}
if boxes.flow ~= nil then
keepFlow(boxes.flow, flow, now)
end
if boxes.number == nil then
return
end
local number = numberOf(boxes.number)
reserveLatest(
number,
request.flow,
request.knownBrowser,
request.cooldown,
now
)
local flows = number.flows or ({})
flows[request.flow] = now + longestLifetime + endedKept
number.flows = flows
keepNumber(boxes.number, number, now)
end
local function send(boxes, ____bindingPattern0, now)
local passed
local request
local parts
parts = ____bindingPattern0.parts
request = ____bindingPattern0.request
passed = ____bindingPattern0.passed
local ____temp_53 = request ~= nil
if ____temp_53 then
local ____opt_51 = flowOf(boxes.flow, now)
____temp_53 = (____opt_51 and ____opt_51.reference) == request.reference
end
if ____temp_53 then
return {
status = "reserved",
counts = noCounts()
}
end
local ____temp_56 = request ~= nil
if ____temp_56 then
local ____opt_54 = flowOf(boxes.flow, now)
____temp_56 = (____opt_54 and ____opt_54.signIn) ~= nil
end
if ____temp_56 then
return {status = "used"}
end
local flooding = refuseFlood(boxes, parts, request and request.cooldown, now)
if flooding ~= nil then
return flooding
end
if request ~= nil then
local waits = waitForSend(boxes, request, now)
if waits ~= nil then
if waits.status == "too_soon" then
waits.retryAfter = longestWait(boxes, parts, waits.retryAfter, now)
end
if waits.status == "current" then
local wait = longestWait(boxes, {number = parts.number}, 0, now)
if wait > 0 then
waits.record.nextAfter = wait
end
end
if waits.status ~= "lookup" and not request.again then
countWait(boxes, parts, now)
end
return waits
end
end
local admitted = admit(boxes, parts, passed, now)
if admitted.status ~= "admitted" then
return admitted
end
if request ~= nil then
reserveSend(boxes, request, now)
end
local counts = admitted.counts
local odd = admitted.odd
return {status = "reserved", counts = counts, odd = odd}
end
local reply = send(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  settleSend: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    return redis.error_reply('WRONGTYPE of a record')
  end
  boxes[name] = box
end
local prune, keepUntil, pruneFlows, keepNumber, failuresKept
function prune(uses, now)
local last = 0
for name in pairs(uses) do
local window = uses[name]
if window ~= nil then
if window.ends <= now then
uses[name] = nil
elseif window.ends > last then
last = window.ends
end
end
end
return last
end
function keepUntil(box, value, ends, now)
box.value = value
box.keep = math.max(ends - now, 0)
end
function pruneFlows(record, now)
local ____record_13 = record
local flows = ____record_13.flows
if flows == nil then
return 0
end
local last = 0
for name in pairs(flows) do
local ends = flows[name]
if ends ~= nil and ends <= now then
flows[name] = nil
elseif ends ~= nil then
last = math.max(last, ends)
end
end
if last == 0 then
record.flows = nil
end
return last
end
function keepNumber(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_14 = record
local latest = ____record_14.latest
local failures = ____record_14.failures
if latest ~= nil and latest["until"] <= now then
record.latest = nil
elseif latest ~= nil then
ends = math.max(ends, latest["until"])
end
if failures ~= nil then
ends = math.max(ends, failures.last + failuresKept)
end
ends = math.max(
ends,
pruneFlows(record, now)
)
keepUntil(box, record, ends, now)
end
local skew = 10000
local function flowOf(box, now)
local flow = box and box.value
if flow == nil or flow.created > now + skew or flow.kept <= now then
return nil
end
return flow
end
local function numberOf(box)
return box and box.value or ({uses = {}})
end
local function addressOf(box)
return box and box.value or ({uses = {}})
end
local function renew(uses, limits, now)
local renewed = false
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local window = uses[name]
if window ~= nil and window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
renewed = true
end
end
return renewed
end
local halfLives = {address = 43200, country = 43200, range = 3600}
local meterKept = 4
local function keepAddress(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_6 = record
local meter = ____record_6.meter
local countries = ____record_6.countries
local failed = ____record_6.failed
if meter ~= nil then
ends = math.max(ends, meter.at + halfLives.address * meterKept * 1000)
end
if countries ~= nil then
ends = math.max(ends, countries.ends)
end
if failed ~= nil then
ends = math.max(ends, failed.ends)
end
keepUntil(box, record, ends, now)
end
local function failuresOf(number, now)
local ____number_7 = number
local failures = ____number_7.failures
if failures ~= nil and failures.last > now then
failures.wait = math.max((failures.wait or 0) - failures.last + now, 0)
failures.last = now
end
return failures
end
local function setTryRight(boxes, address, browserLimit, now)
if address ~= nil then
local own = addressOf(boxes.own)
local failed = own.failed
local moved = renew(own.uses, {address.failures}, now)
local ends = now + address.numbers.duration * 1000
if failed ~= nil and failed.ends > ends then
failed.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
end
local number = numberOf(boxes.number)
local ahead = number.failures ~= nil and number.failures.last > now
if ahead then
failuresOf(number, now)
end
local moved = ahead
if browserLimit ~= nil and renew(number.uses, {browserLimit}, now) then
moved = true
end
if moved then
keepNumber(boxes.number, number, now)
end
end
local function failures(boxes, _args, now)
setTryRight(boxes, nil, nil, now)
local ____temp_8
if boxes.number == nil then
____temp_8 = nil
else
____temp_8 = failuresOf(
numberOf(boxes.number),
now
)
end
local failed = ____temp_8
local wait = math.max(
0,
math.ceil(((failed and failed.wait or 0) - now) / 1000)
)
return {total = failed and failed.total or 0, wait = wait}
end
failuresKept = 365 * 86400000
local function dropLatest(box, flow, now)
local number = numberOf(box)
local latest = number.latest
if (latest and latest.flow) ~= flow then
return
end
local left = math.min(latest.passed or 0, latest["until"])
number.latest = left > now and ({flow = flow, ["until"] = left, reserved = true}) or nil
keepNumber(box, number, now)
end
local function uncount(uses, limits, now)
for ____, ____value in ipairs(limits) do
local name = ____value.name
local cost = ____value.cost
local idle = ____value.idle
local window = uses[name]
if window ~= nil and window.ends > now and idle == nil then
window.n = window.n - (cost or 1)
if window.n <= 0 then
uses[name] = nil
end
end
end
end
local function faded(meter, halfLife, now)
if meter == nil then
return {sent = 0, verified = 0, at = now}
end
local weight = 2 ^ (-math.max(now - meter.at, 0) / (halfLife * 1000))
return {sent = meter.sent * weight, verified = meter.verified * weight, at = now}
end
local function metered(meter, halfLife, now, sent, verified)
local next = faded(meter, halfLife, now)
next.sent = math.max(next.sent + sent, 0)
next.verified = math.max(next.verified + verified, 0)
local ____temp_17
if next.sent + next.verified < 0.001 then
____temp_17 = nil
else
____temp_17 = next
end
return ____temp_17
end
local function sizeOf(members)
local size = 0
for name in pairs(members.of) do
if members.of[name] ~= nil then
size = size + 1
end
end
return size
end
local function leave(members, name, uses)
if members == nil then
return nil
end
local left = (members.of[name] or 0) - uses
members.of[name] = left > 0 and left or nil
local ____temp_18
if sizeOf(members) == 0 then
____temp_18 = nil
else
____temp_18 = members
end
return ____temp_18
end
local function windowOf(uses, name, duration, now)
local window = uses[name]
if window == nil or window.ends <= now then
return {n = 0, ends = now + duration * 1000}
end
if window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
end
return window
end
local function count(uses, limits, now, counts)
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local cost = ____value.cost
local idle = ____value.idle
local ____windowOf_result_19 = windowOf(uses, name, duration, now)
local n = ____windowOf_result_19.n
local ends = ____windowOf_result_19.ends
if idle == nil then
uses[name] = {n = n + (cost or 1), ends = ends}
end
counts[name] = {used = n + (cost or 1), wait = ends - now}
end
end
local function sharedOf(box)
return box and box.value or ({uses = {}})
end
local function keepShared(box, record, now, halfLife)
if box == nil then
return
end
local ____record_22 = record
local meter = ____record_22.meter
local ends = prune(record.uses, now)
local faded = meter == nil and 0 or meter.at + halfLife * meterKept * 1000
keepUntil(
box,
record,
math.max(ends, faded),
now
)
end
local function giveBack(boxes, given, now)
local ____given_23 = given
local address = ____given_23.address
local shared = ____given_23.shared
local number = ____given_23.number
local waited = ____given_23.waited
if address ~= nil then
local own = addressOf(boxes.own)
uncount(own.uses, address.own, now)
own.meter = metered(
own.meter,
halfLives.address,
now,
-1,
0
)
own.countries = leave(own.countries, address.country, 1)
if waited == true then
count(own.uses, {address.waits}, now, {})
end
keepAddress(boxes.own, own, now)
if #address.site > 0 then
local site = addressOf(boxes.site)
uncount(site.uses, address.site, now)
keepAddress(boxes.site, site, now)
end
end
if shared ~= nil then
local app = sharedOf(boxes.app)
uncount(app.uses, shared.app, now)
keepShared(boxes.app, app, now, 0)
local country = sharedOf(boxes.country)
uncount(country.uses, shared.ofCountry, now)
if not shared.decoy then
country.meter = metered(
country.meter,
halfLives.country,
now,
-1,
0
)
end
keepShared(boxes.country, country, now, halfLives.country)
if address ~= nil then
local range = sharedOf(boxes.range)
range.meter = metered(
range.meter,
halfLives.range,
now,
-1,
0
)
keepShared(boxes.range, range, now, halfLives.range)
end
end
if number ~= nil then
local record = numberOf(boxes.number)
uncount(record.uses, number, now)
keepNumber(boxes.number, record, now)
end
return {done = true}
end
local function drop(box)
box.value = nil
box.keep = 0
end
local function keepFlow(box, flow, now)
box.value = flow
box.keep = math.max(flow.kept - now, 1)
end
local function giveUp(box, flow, now)
flow.resend = nil
flow.lease = nil
if flow.state == "dead" then
flow.reference = ""
end
if flow["end"] == "cancelled" or flow["end"] == "replaced" then
drop(box)
else
keepFlow(box, flow, now)
end
end
local function failEnded(boxes, box, flow, ____bindingPattern0, now)
local back
local name
name = ____bindingPattern0.flow
back = ____bindingPattern0.back
if boxes.number ~= nil then
dropLatest(boxes.number, name, now)
end
if back ~= nil then
giveBack(boxes, back, now)
end
giveUp(box, flow, now)
return {kept = false, back = true}
end
local function leaveNumber(box, name, now)
if box == nil then
return
end
local number = numberOf(box)
local ____opt_24 = number.flows
if (____opt_24 and ____opt_24[name]) == nil then
return
end
number.flows[name] = nil
keepNumber(box, number, now)
end
local function undoResend(flow)
local ____flow_26 = flow
local before = ____flow_26.before
flow.lease = nil
if before == nil then
return
end
flow.resends = (flow.resends or 0) - 1
flow.sent = before.sent
flow.via = before.via
flow.code = before.code
flow.delivery = before.delivery
flow.before = nil
end
local function fail(boxes, box, flow, ____bindingPattern0, now)
local back
local name
name = ____bindingPattern0.flow
back = ____bindingPattern0.back
if boxes.number ~= nil then
dropLatest(boxes.number, name, now)
end
if back ~= nil then
giveBack(boxes, back, now)
end
local ____flow_27 = flow
local before = ____flow_27.before
if before == nil then
leaveNumber(boxes.number, name, now)
box.value = nil
box.keep = 0
return
end
flow.state = before.state
flow.reference = before.reference
flow.expires = before.expires
flow.resend = nil
undoResend(flow)
keepFlow(box, flow, now)
end
local function holdLatest(box, flow, now)
local number = numberOf(box)
local ____opt_28 = number.latest
if (____opt_28 and ____opt_28.flow) ~= flow or number.latest.reserved ~= true then
return
end
number.latest.reserved = nil
keepNumber(box, number, now)
end
local endedKept = 600000
local function refusalOfFlow(flow, now)
if flow == nil or flow.state == "completed" then
return "none"
end
if flow.state == "dead" then
return (flow["end"] == "expired" or flow["end"] == "attempts") and flow["end"] or "none"
end
return flow.state ~= "verified" and flow.expires <= now and "expired" or nil
end
local function viewOf(flow, now)
return {
state = flow.state,
["end"] = flow["end"],
reference = flow.reference,
number = flow.number,
otp = flow.otp,
via = flow.via,
country = flow.country,
purpose = flow.purpose,
language = flow.language,
expiresIn = (flow.expires - now) / 1000,
sentAgo = (now - flow.sent) / 1000,
resends = flow.resends or 0,
attempts = flow.attempts or 0,
counted = flow.counted or 0,
delivery = flow.delivery or "unknown"
}
end
local longestLease = 35000
local function leaseOf(lease, now)
if lease == nil or lease > now + longestLease + skew then
return 0
end
return lease
end
local function finish(box, flow, ____end, now)
local asking = leaseOf(flow.lease, now)
if asking <= now then
flow.reference = ""
flow.resend = nil
flow.lease = nil
end
flow.state = "dead"
flow["end"] = ____end
flow.otp = nil
flow.code = nil
flow.before = nil
flow.tried = nil
flow.signIn = nil
flow.delivery = nil
flow.askedAt = nil
if ____end == "cancelled" or ____end == "replaced" then
flow.number = ""
flow.kept = asking
if asking > now then
keepFlow(box, flow, now)
else
drop(box)
end
return
end
if ____end == "used" then
flow.number = ""
flow.kept = math.min(flow.kept, now + 60000)
else
flow.kept = now + endedKept
end
keepFlow(box, flow, now)
end
local function endOld(box, now)
local old = flowOf(box, now)
if old == nil or box == nil then
return nil
end
local view = refusalOfFlow(old, now) == nil and viewOf(old, now) or nil
finish(box, old, "replaced", now)
return view
end
local function settleSend(boxes, args, now)
local ____args_30 = args
local reference = ____args_30.reference
local result = ____args_30.result
local flow = flowOf(boxes.flow, now)
if flow == nil or boxes.flow == nil or flow.reference ~= reference then
return {kept = false}
end
if flow.state ~= "sending" and flow.state ~= "unconfirmed" then
if flow.state == "dead" and result.result == "failed" then
return failEnded(
boxes,
boxes.flow,
flow,
args,
now
)
end
return {kept = result.result == "sent" and flow.state == "pending"}
end
if result.result == "failed" then
fail(
boxes,
boxes.flow,
flow,
args,
now
)
return {kept = true, back = true}
end
if boxes.number ~= nil then
holdLatest(boxes.number, args.flow, now)
end
flow.lease = nil
if result.result == "sent" then
local last = flow.created + result.maxLifetime * 1000
flow.state = "pending"
flow.otp = result.otp
flow.expires = math.min(flow.sent + result.lifetime * 1000, last)
flow.counted = nil
flow.delivery = nil
flow.askedAt = nil
flow.before = nil
flow.kept = flow.expires + endedKept
else
flow.state = "unconfirmed"
end
keepFlow(boxes.flow, flow, now)
return {
kept = true,
old = endOld(boxes.old, now)
}
end
local reply = settleSend(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  resendDue: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    return redis.error_reply('WRONGTYPE of a record')
  end
  boxes[name] = box
end
local prune, keepUntil, pruneFlows, keepNumber, failuresKept
function prune(uses, now)
local last = 0
for name in pairs(uses) do
local window = uses[name]
if window ~= nil then
if window.ends <= now then
uses[name] = nil
elseif window.ends > last then
last = window.ends
end
end
end
return last
end
function keepUntil(box, value, ends, now)
box.value = value
box.keep = math.max(ends - now, 0)
end
function pruneFlows(record, now)
local ____record_14 = record
local flows = ____record_14.flows
if flows == nil then
return 0
end
local last = 0
for name in pairs(flows) do
local ends = flows[name]
if ends ~= nil and ends <= now then
flows[name] = nil
elseif ends ~= nil then
last = math.max(last, ends)
end
end
if last == 0 then
record.flows = nil
end
return last
end
function keepNumber(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_15 = record
local latest = ____record_15.latest
local failures = ____record_15.failures
if latest ~= nil and latest["until"] <= now then
record.latest = nil
elseif latest ~= nil then
ends = math.max(ends, latest["until"])
end
if failures ~= nil then
ends = math.max(ends, failures.last + failuresKept)
end
ends = math.max(
ends,
pruneFlows(record, now)
)
keepUntil(box, record, ends, now)
end
local function addressOf(box)
return box and box.value or ({uses = {}})
end
local function renew(uses, limits, now)
local renewed = false
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local window = uses[name]
if window ~= nil and window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
renewed = true
end
end
return renewed
end
local halfLives = {address = 43200, country = 43200, range = 3600}
local meterKept = 4
local function keepAddress(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_2 = record
local meter = ____record_2.meter
local countries = ____record_2.countries
local failed = ____record_2.failed
if meter ~= nil then
ends = math.max(ends, meter.at + halfLives.address * meterKept * 1000)
end
if countries ~= nil then
ends = math.max(ends, countries.ends)
end
if failed ~= nil then
ends = math.max(ends, failed.ends)
end
keepUntil(box, record, ends, now)
end
local function sharedOf(box)
return box and box.value or ({uses = {}})
end
local function faded(meter, halfLife, now)
if meter == nil then
return {sent = 0, verified = 0, at = now}
end
local weight = 2 ^ (-math.max(now - meter.at, 0) / (halfLife * 1000))
return {sent = meter.sent * weight, verified = meter.verified * weight, at = now}
end
local function keepShared(box, record, now, halfLife)
if box == nil then
return
end
local ____record_5 = record
local meter = ____record_5.meter
local ends = prune(record.uses, now)
local faded = meter == nil and 0 or meter.at + halfLife * meterKept * 1000
keepUntil(
box,
record,
math.max(ends, faded),
now
)
end
local function numberOf(box)
return box and box.value or ({uses = {}})
end
local function failuresOf(number, now)
local ____number_8 = number
local failures = ____number_8.failures
if failures ~= nil and failures.last > now then
failures.wait = math.max((failures.wait or 0) - failures.last + now, 0)
failures.last = now
end
return failures
end
local function setTryRight(boxes, address, browserLimit, now)
if address ~= nil then
local own = addressOf(boxes.own)
local failed = own.failed
local moved = renew(own.uses, {address.failures}, now)
local ends = now + address.numbers.duration * 1000
if failed ~= nil and failed.ends > ends then
failed.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
end
local number = numberOf(boxes.number)
local ahead = number.failures ~= nil and number.failures.last > now
if ahead then
failuresOf(number, now)
end
local moved = ahead
if browserLimit ~= nil and renew(number.uses, {browserLimit}, now) then
moved = true
end
if moved then
keepNumber(boxes.number, number, now)
end
end
local function failures(boxes, _args, now)
setTryRight(boxes, nil, nil, now)
local ____temp_9
if boxes.number == nil then
____temp_9 = nil
else
____temp_9 = failuresOf(
numberOf(boxes.number),
now
)
end
local failed = ____temp_9
local wait = math.max(
0,
math.ceil(((failed and failed.wait or 0) - now) / 1000)
)
return {total = failed and failed.total or 0, wait = wait}
end
failuresKept = 365 * 86400000
local function setMessageRight(boxes, ____bindingPattern0, cooldown, now)
local number
local shared
local address
address = ____bindingPattern0.address
shared = ____bindingPattern0.shared
number = ____bindingPattern0.number
if address ~= nil then
local own = addressOf(boxes.own)
local countries = own.countries
local moved = renew(own.uses, address.own, now)
if renew(own.uses, {address.waits}, now) then
moved = true
end
local ends = now + address.countries.duration * 1000
if countries ~= nil and countries.ends > ends then
countries.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
local site = addressOf(boxes.site)
if renew(site.uses, address.site, now) then
keepAddress(boxes.site, site, now)
end
end
if shared ~= nil then
local app = sharedOf(boxes.app)
if renew(app.uses, shared.app, now) then
keepShared(boxes.app, app, now, 0)
end
local country = sharedOf(boxes.country)
if renew(country.uses, shared.ofCountry, now) then
keepShared(boxes.country, country, now, halfLives.country)
end
end
local record = numberOf(boxes.number)
local latest = record.latest
local waits = false
if number ~= nil then
if renew(record.uses, number.always, now) then
waits = true
end
if renew(record.uses, number.limits, now) then
waits = true
end
if renew(record.uses, number.own, now) then
waits = true
end
end
if latest ~= nil and cooldown ~= nil and latest["until"] > now + cooldown * 1000 then
latest["until"] = now + cooldown * 1000
waits = true
end
if waits then
keepNumber(boxes.number, record, now)
end
end
local function setWaitsRight(box, waits, now)
local own = addressOf(box)
if renew(own.uses, {waits}, now) then
keepAddress(box, own, now)
end
end
local function windowOf(uses, name, duration, now)
local window = uses[name]
if window == nil or window.ends <= now then
return {n = 0, ends = now + duration * 1000}
end
if window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
end
return window
end
local function longer(one, other)
if one == nil or other == nil then
return one or other
end
return other.wait > one.wait and other or one
end
local function refusalOf(uses, limits, now)
local refused
for ____, ____value in ipairs(limits) do
local name = ____value.name
local points = ____value.points
local duration = ____value.duration
local cost = ____value.cost
local ____windowOf_result_16 = windowOf(uses or ({}), name, duration, now)
local n = ____windowOf_result_16.n
local ends = ____windowOf_result_16.ends
local used = n + (cost or 1)
if used > points then
refused = longer(refused, {limit = name, used = used, wait = ends - now})
end
end
return refused
end
local function deny(by, ____bindingPattern0)
local wait
local used
local limit
limit = ____bindingPattern0.limit
used = ____bindingPattern0.used
wait = ____bindingPattern0.wait
return {
status = "limited",
by = by,
limit = limit,
used = used,
wait = wait
}
end
local skew = 10000
local function flowOf(box, now)
local flow = box and box.value
if flow == nil or flow.created > now + skew or flow.kept <= now then
return nil
end
return flow
end
local function refusalOfFlow(flow, now)
if flow == nil or flow.state == "completed" then
return "none"
end
if flow.state == "dead" then
return (flow["end"] == "expired" or flow["end"] == "attempts") and flow["end"] or "none"
end
return flow.state ~= "verified" and flow.expires <= now and "expired" or nil
end
local longestLease = 35000
local function leaseOf(lease, now)
if lease == nil or lease > now + longestLease + skew then
return 0
end
return lease
end
local function isChecking(tried, now)
return tried ~= nil and tried.state == "checking" and leaseOf(tried.lease, now) > now
end
local function triedOf(flow, now)
local ____flow_19 = flow
local tried = ____flow_19.tried
local ____temp_20
if tried == nil or tried["until"] <= now then
____temp_20 = nil
else
____temp_20 = tried
end
return ____temp_20
end
local function isUnderWay(flow, now)
return leaseOf(flow.lease, now) > now or isChecking(
triedOf(flow, now),
now
)
end
local function waitOf(number, knownBrowser, longest, now)
local ____number_21 = number
local latest = ____number_21.latest
if latest == nil or latest["until"] <= now then
return 0
end
if latest["until"] > now + longest then
latest["until"] = now + longest
end
if knownBrowser and latest.reserved == true then
return 0
end
return latest["until"] - now
end
local function waitOfOthers(boxes, ____bindingPattern0, now)
local cooldown
local knownBrowser
local flow
flow = ____bindingPattern0.flow
knownBrowser = ____bindingPattern0.knownBrowser
cooldown = ____bindingPattern0.cooldown
local number = numberOf(boxes.number)
local ____opt_22 = number.latest
return (____opt_22 and ____opt_22.flow) == flow and 0 or waitOf(number, knownBrowser, cooldown * 1000, now)
end
local function tooEarly(boxes, flow, request, now)
local wait = request.waits[(flow.resends or 0) + 1]
if wait == nil then
return {
status = "exhausted",
retryAfter = math.ceil((flow.expires - now) / 1000)
}
end
local undelivered = flow.delivery == "failed" and flow.via ~= request.via
local own = undelivered and 0 or flow.sent + wait * 1000 - now
local left = math.max(
own,
waitOfOthers(boxes, request, now)
)
return left > 0 and ({
status = "too_soon",
retryAfter = math.ceil(left / 1000)
}) or nil
end
local function refusedNumber(uses, ____bindingPattern0, now)
local own
local limits
limits = ____bindingPattern0.limits
own = ____bindingPattern0.own
local refused = refusalOf(uses, limits, now)
if refused == nil or #own == 0 then
return refused
end
local ofOwn = refusalOf(uses, own, now)
local ____temp_24
if ofOwn == nil or ofOwn.wait < refused.wait then
____temp_24 = ofOwn
else
____temp_24 = refused
end
return ____temp_24
end
local function denied(boxes, parts, now)
local ____parts_25 = parts
local address = ____parts_25.address
local shared = ____parts_25.shared
local number = ____parts_25.number
if address ~= nil then
local own = refusalOf(
addressOf(boxes.own).uses,
address.own,
now
)
local site = refusalOf(
addressOf(boxes.site).uses,
address.site,
now
)
local refused = longer(own, site)
if refused ~= nil then
return deny(refused == own and "own" or "site", refused)
end
end
if shared ~= nil then
local refused = longer(
refusalOf(
sharedOf(boxes.app).uses,
shared.app,
now
),
refusalOf(
sharedOf(boxes.country).uses,
shared.ofCountry,
now
)
)
if refused ~= nil then
return deny("shared", refused)
end
end
if number ~= nil then
local ____numberOf_result_26 = numberOf(boxes.number)
local uses = ____numberOf_result_26.uses
local refused = longer(
refusalOf(uses, number.always, now),
refusedNumber(uses, number, now)
)
if refused ~= nil then
return deny("number", refused)
end
end
return nil
end
local function longestWait(boxes, ____bindingPattern0, seconds, now)
local number
local address
address = ____bindingPattern0.address
number = ____bindingPattern0.number
local refused = denied(boxes, {address = address, number = number}, now)
return refused == nil and seconds or math.max(
seconds,
math.ceil(refused.wait / 1000)
)
end
local function count(uses, limits, now, counts)
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local cost = ____value.cost
local idle = ____value.idle
local ____windowOf_result_27 = windowOf(uses, name, duration, now)
local n = ____windowOf_result_27.n
local ends = ____windowOf_result_27.ends
if idle == nil then
uses[name] = {n = n + (cost or 1), ends = ends}
end
counts[name] = {used = n + (cost or 1), wait = ends - now}
end
end
local function countWaits(boxes, waits, now)
if boxes.own == nil then
return
end
local own = addressOf(boxes.own)
count(own.uses, {waits}, now, {})
keepAddress(boxes.own, own, now)
end
local function viewOf(flow, now)
return {
state = flow.state,
["end"] = flow["end"],
reference = flow.reference,
number = flow.number,
otp = flow.otp,
via = flow.via,
country = flow.country,
purpose = flow.purpose,
language = flow.language,
expiresIn = (flow.expires - now) / 1000,
sentAgo = (now - flow.sent) / 1000,
resends = flow.resends or 0,
attempts = flow.attempts or 0,
counted = flow.counted or 0,
delivery = flow.delivery or "unknown"
}
end
local function resendDue(boxes, ____bindingPattern0, now)
local number
local request
local waits
waits = ____bindingPattern0.waits
request = ____bindingPattern0.request
number = ____bindingPattern0.number
setMessageRight(boxes, {number = number}, request and request.cooldown, now)
if waits ~= nil then
setWaitsRight(boxes.own, waits, now)
local refused = refusalOf(
addressOf(boxes.own).uses,
{waits},
now
)
if refused ~= nil then
return deny("own", refused)
end
end
local flow = flowOf(boxes.flow, now)
local runs = flow ~= nil and refusalOfFlow(flow, now) == nil
local due = runs and flow.state ~= "verified" and not isUnderWay(flow, now)
local ____temp_30
if request ~= nil and due then
____temp_30 = tooEarly(boxes, flow, request, now)
else
____temp_30 = nil
end
local early = ____temp_30
if early ~= nil and early.status == "too_soon" then
early.retryAfter = longestWait(boxes, {number = number}, early.retryAfter, now)
end
if waits ~= nil and (request == nil or early ~= nil) then
countWaits(boxes, waits, now)
end
local ____early_32 = early
if ____early_32 == nil then
local ____temp_31
if flow == nil then
____temp_31 = nil
else
____temp_31 = viewOf(flow, now)
end
____early_32 = {status = "due", record = ____temp_31}
end
return ____early_32
end
local reply = resendDue(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  resend: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    return redis.error_reply('WRONGTYPE of a record')
  end
  boxes[name] = box
end
local skew = 10000
local function flowOf(box, now)
local flow = box and box.value
if flow == nil or flow.created > now + skew or flow.kept <= now then
return nil
end
return flow
end
local function refusalOfFlow(flow, now)
if flow == nil or flow.state == "completed" then
return "none"
end
if flow.state == "dead" then
return (flow["end"] == "expired" or flow["end"] == "attempts") and flow["end"] or "none"
end
return flow.state ~= "verified" and flow.expires <= now and "expired" or nil
end
local function viewOf(flow, now)
return {
state = flow.state,
["end"] = flow["end"],
reference = flow.reference,
number = flow.number,
otp = flow.otp,
via = flow.via,
country = flow.country,
purpose = flow.purpose,
language = flow.language,
expiresIn = (flow.expires - now) / 1000,
sentAgo = (now - flow.sent) / 1000,
resends = flow.resends or 0,
attempts = flow.attempts or 0,
counted = flow.counted or 0,
delivery = flow.delivery or "unknown"
}
end
local function noCounts()
return {
own = {},
site = {},
app = {},
country = {},
number = {}
}
end
local function addressOf(box)
return box and box.value or ({uses = {}})
end
local function takeUses(uses, older, now)
for name in pairs(older) do
local window = older[name]
local ____temp_7 = window ~= nil and window.ends > now
if ____temp_7 then
local ____window_n_6 = window.n
local ____opt_4 = uses[name]
____temp_7 = ____window_n_6 > (____opt_4 and ____opt_4.n or 0)
end
if ____temp_7 then
uses[name] = {n = window.n, ends = window.ends}
end
end
end
local function faded(meter, halfLife, now)
if meter == nil then
return {sent = 0, verified = 0, at = now}
end
local weight = 2 ^ (-math.max(now - meter.at, 0) / (halfLife * 1000))
return {sent = meter.sent * weight, verified = meter.verified * weight, at = now}
end
local function largerMeter(meter, older, halfLife, now)
if meter == nil or older == nil then
return meter or older
end
local own = faded(meter, halfLife, now)
local other = faded(older, halfLife, now)
return other.sent - other.verified > own.sent - own.verified and older or meter
end
local halfLives = {address = 43200, country = 43200, range = 3600}
local function union(members, older, now)
if older == nil or older.ends <= now then
return members
end
if members == nil or members.ends <= now then
return older
end
for name in pairs(older.of) do
members.of[name] = math.max(members.of[name] or 0, older.of[name] or 0)
end
return members
end
local function sharedOf(box)
return box and box.value or ({uses = {}})
end
local function numberOf(box)
return box and box.value or ({uses = {}})
end
local function renew(uses, limits, now)
local renewed = false
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local window = uses[name]
if window ~= nil and window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
renewed = true
end
end
return renewed
end
local function prune(uses, now)
local last = 0
for name in pairs(uses) do
local window = uses[name]
if window ~= nil then
if window.ends <= now then
uses[name] = nil
elseif window.ends > last then
last = window.ends
end
end
end
return last
end
local meterKept = 4
local function keepUntil(box, value, ends, now)
box.value = value
box.keep = math.max(ends - now, 0)
end
local function keepAddress(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_12 = record
local meter = ____record_12.meter
local countries = ____record_12.countries
local failed = ____record_12.failed
if meter ~= nil then
ends = math.max(ends, meter.at + halfLives.address * meterKept * 1000)
end
if countries ~= nil then
ends = math.max(ends, countries.ends)
end
if failed ~= nil then
ends = math.max(ends, failed.ends)
end
keepUntil(box, record, ends, now)
end
local function failuresOf(number, now)
local ____number_13 = number
local failures = ____number_13.failures
if failures ~= nil and failures.last > now then
failures.wait = math.max((failures.wait or 0) - failures.last + now, 0)
failures.last = now
end
return failures
end
local failuresKept = 365 * 86400000
local function pruneFlows(record, now)
local ____record_14 = record
local flows = ____record_14.flows
if flows == nil then
return 0
end
local last = 0
for name in pairs(flows) do
local ends = flows[name]
if ends ~= nil and ends <= now then
flows[name] = nil
elseif ends ~= nil then
last = math.max(last, ends)
end
end
if last == 0 then
record.flows = nil
end
return last
end
local function keepNumber(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_15 = record
local latest = ____record_15.latest
local failures = ____record_15.failures
if latest ~= nil and latest["until"] <= now then
record.latest = nil
elseif latest ~= nil then
ends = math.max(ends, latest["until"])
end
if failures ~= nil then
ends = math.max(ends, failures.last + failuresKept)
end
ends = math.max(
ends,
pruneFlows(record, now)
)
keepUntil(box, record, ends, now)
end
local function setTryRight(boxes, address, browserLimit, now)
if address ~= nil then
local own = addressOf(boxes.own)
local failed = own.failed
local moved = renew(own.uses, {address.failures}, now)
local ends = now + address.numbers.duration * 1000
if failed ~= nil and failed.ends > ends then
failed.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
end
local number = numberOf(boxes.number)
local ahead = number.failures ~= nil and number.failures.last > now
if ahead then
failuresOf(number, now)
end
local moved = ahead
if browserLimit ~= nil and renew(number.uses, {browserLimit}, now) then
moved = true
end
if moved then
keepNumber(boxes.number, number, now)
end
end
local function failures(boxes, _args, now)
setTryRight(boxes, nil, nil, now)
local ____temp_16
if boxes.number == nil then
____temp_16 = nil
else
____temp_16 = failuresOf(
numberOf(boxes.number),
now
)
end
local failed = ____temp_16
local wait = math.max(
0,
math.ceil(((failed and failed.wait or 0) - now) / 1000)
)
return {total = failed and failed.total or 0, wait = wait}
end
local function carry(failures, origin, older, now)
local next = failures or ({total = 0, last = older.last})
local carried = next.carried or ({})
next.total = next.total + math.max(older.total - (carried[origin] or 0), 0)
carried[origin] = older.total
next.carried = carried
if (older.wait or 0) > now then
next.wait = math.max(next.wait or 0, older.wait or 0)
end
return next
end
local function takeNumber(box, tag, older, now)
if box == nil then
return
end
local record = numberOf(box)
takeUses(record.uses, older.uses, now)
local ____older_21 = older
local latest = ____older_21.latest
local failures = ____older_21.failures
local ____temp_25 = latest ~= nil
if ____temp_25 then
local ____latest_until_24 = latest["until"]
local ____opt_22 = record.latest
____temp_25 = ____latest_until_24 > (____opt_22 and ____opt_22["until"] or now)
end
if ____temp_25 then
record.latest = latest
end
if failures ~= nil and failures.total > 0 then
record.failures = carry(record.failures, tag, failures, now)
end
box.value = record
end
local function takeEach(boxes, older, now)
local ____older_26 = older
local tag = ____older_26.tag
local own = ____older_26.own
local site = ____older_26.site
local number = ____older_26.number
local range = ____older_26.range
if own ~= nil and boxes.own ~= nil then
local record = addressOf(boxes.own)
takeUses(record.uses, own.uses, now)
record.meter = largerMeter(record.meter, own.meter, halfLives.address, now)
record.countries = union(record.countries, own.countries, now)
record.failed = union(record.failed, own.failed, now)
boxes.own.value = record
end
if site ~= nil and boxes.site ~= nil then
local record = addressOf(boxes.site)
takeUses(record.uses, site.uses, now)
boxes.site.value = record
end
if range ~= nil and boxes.range ~= nil then
local record = sharedOf(boxes.range)
record.meter = largerMeter(record.meter, range.meter, halfLives.range, now)
boxes.range.value = record
end
if number ~= nil then
takeNumber(boxes.number, tag, number, now)
end
end
local function takeOver(boxes, older, now)
for ____, each in ipairs(older or ({})) do
takeEach(boxes, each, now)
end
end
local function keepShared(box, record, now, halfLife)
if box == nil then
return
end
local ____record_27 = record
local meter = ____record_27.meter
local ends = prune(record.uses, now)
local faded = meter == nil and 0 or meter.at + halfLife * meterKept * 1000
keepUntil(
box,
record,
math.max(ends, faded),
now
)
end
local function setMessageRight(boxes, ____bindingPattern0, cooldown, now)
local number
local shared
local address
address = ____bindingPattern0.address
shared = ____bindingPattern0.shared
number = ____bindingPattern0.number
if address ~= nil then
local own = addressOf(boxes.own)
local countries = own.countries
local moved = renew(own.uses, address.own, now)
if renew(own.uses, {address.waits}, now) then
moved = true
end
local ends = now + address.countries.duration * 1000
if countries ~= nil and countries.ends > ends then
countries.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
local site = addressOf(boxes.site)
if renew(site.uses, address.site, now) then
keepAddress(boxes.site, site, now)
end
end
if shared ~= nil then
local app = sharedOf(boxes.app)
if renew(app.uses, shared.app, now) then
keepShared(boxes.app, app, now, 0)
end
local country = sharedOf(boxes.country)
if renew(country.uses, shared.ofCountry, now) then
keepShared(boxes.country, country, now, halfLives.country)
end
end
local record = numberOf(boxes.number)
local latest = record.latest
local waits = false
if number ~= nil then
if renew(record.uses, number.always, now) then
waits = true
end
if renew(record.uses, number.limits, now) then
waits = true
end
if renew(record.uses, number.own, now) then
waits = true
end
end
if latest ~= nil and cooldown ~= nil and latest["until"] > now + cooldown * 1000 then
latest["until"] = now + cooldown * 1000
waits = true
end
if waits then
keepNumber(boxes.number, record, now)
end
end
local function windowOf(uses, name, duration, now)
local window = uses[name]
if window == nil or window.ends <= now then
return {n = 0, ends = now + duration * 1000}
end
if window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
end
return window
end
local function longer(one, other)
if one == nil or other == nil then
return one or other
end
return other.wait > one.wait and other or one
end
local function refusalOf(uses, limits, now)
local refused
for ____, ____value in ipairs(limits) do
local name = ____value.name
local points = ____value.points
local duration = ____value.duration
local cost = ____value.cost
local ____windowOf_result_28 = windowOf(uses or ({}), name, duration, now)
local n = ____windowOf_result_28.n
local ends = ____windowOf_result_28.ends
local used = n + (cost or 1)
if used > points then
refused = longer(refused, {limit = name, used = used, wait = ends - now})
end
end
return refused
end
local function deny(by, ____bindingPattern0)
local wait
local used
local limit
limit = ____bindingPattern0.limit
used = ____bindingPattern0.used
wait = ____bindingPattern0.wait
return {
status = "limited",
by = by,
limit = limit,
used = used,
wait = wait
}
end
local function refuseFlood(boxes, parts, cooldown, now)
takeOver(boxes, parts.older, now)
setMessageRight(boxes, parts, cooldown, now)
local ____parts_29 = parts
local address = ____parts_29.address
if address == nil then
return nil
end
local ____refusalOf_34 = refusalOf
local ____opt_32 = boxes.own
local ____opt_30 = ____opt_32 and ____opt_32.value
local refused = ____refusalOf_34(____opt_30 and ____opt_30.uses, {address.waits}, now)
local ____temp_35
if refused == nil then
____temp_35 = nil
else
____temp_35 = deny("own", refused)
end
return ____temp_35
end
local longestLease = 35000
local function leaseOf(lease, now)
if lease == nil or lease > now + longestLease + skew then
return 0
end
return lease
end
local function isChecking(tried, now)
return tried ~= nil and tried.state == "checking" and leaseOf(tried.lease, now) > now
end
local function triedOf(flow, now)
local ____flow_36 = flow
local tried = ____flow_36.tried
local ____temp_37
if tried == nil or tried["until"] <= now then
____temp_37 = nil
else
____temp_37 = tried
end
return ____temp_37
end
local function isUnderWay(flow, now)
return leaseOf(flow.lease, now) > now or isChecking(
triedOf(flow, now),
now
)
end
local function waitOf(number, knownBrowser, longest, now)
local ____number_38 = number
local latest = ____number_38.latest
if latest == nil or latest["until"] <= now then
return 0
end
if latest["until"] > now + longest then
latest["until"] = now + longest
end
if knownBrowser and latest.reserved == true then
return 0
end
return latest["until"] - now
end
local function waitOfOthers(boxes, ____bindingPattern0, now)
local cooldown
local knownBrowser
local flow
flow = ____bindingPattern0.flow
knownBrowser = ____bindingPattern0.knownBrowser
cooldown = ____bindingPattern0.cooldown
local number = numberOf(boxes.number)
local ____opt_39 = number.latest
return (____opt_39 and ____opt_39.flow) == flow and 0 or waitOf(number, knownBrowser, cooldown * 1000, now)
end
local function tooEarly(boxes, flow, request, now)
local wait = request.waits[(flow.resends or 0) + 1]
if wait == nil then
return {
status = "exhausted",
retryAfter = math.ceil((flow.expires - now) / 1000)
}
end
local undelivered = flow.delivery == "failed" and flow.via ~= request.via
local own = undelivered and 0 or flow.sent + wait * 1000 - now
local left = math.max(
own,
waitOfOthers(boxes, request, now)
)
return left > 0 and ({
status = "too_soon",
retryAfter = math.ceil(left / 1000)
}) or nil
end
local function canBeLookedUp(flow)
return flow.code == nil
end
local function waitForResend(boxes, flow, request, now)
local refused = refusalOfFlow(flow, now)
if refused ~= nil or flow == nil then
return {status = refused or "none"}
end
if flow.state == "verified" then
return {status = "none"}
end
if isUnderWay(flow, now) then
return {status = "busy"}
end
local early = tooEarly(boxes, flow, request, now)
if early ~= nil then
return early
end
if flow.state ~= "pending" and not request.lookedUp and canBeLookedUp(flow) then
return {
status = "lookup",
record = viewOf(flow, now)
}
end
return nil
end
local function refusedNumber(uses, ____bindingPattern0, now)
local own
local limits
limits = ____bindingPattern0.limits
own = ____bindingPattern0.own
local refused = refusalOf(uses, limits, now)
if refused == nil or #own == 0 then
return refused
end
local ofOwn = refusalOf(uses, own, now)
local ____temp_41
if ofOwn == nil or ofOwn.wait < refused.wait then
____temp_41 = ofOwn
else
____temp_41 = refused
end
return ____temp_41
end
local function denied(boxes, parts, now)
local ____parts_42 = parts
local address = ____parts_42.address
local shared = ____parts_42.shared
local number = ____parts_42.number
if address ~= nil then
local own = refusalOf(
addressOf(boxes.own).uses,
address.own,
now
)
local site = refusalOf(
addressOf(boxes.site).uses,
address.site,
now
)
local refused = longer(own, site)
if refused ~= nil then
return deny(refused == own and "own" or "site", refused)
end
end
if shared ~= nil then
local refused = longer(
refusalOf(
sharedOf(boxes.app).uses,
shared.app,
now
),
refusalOf(
sharedOf(boxes.country).uses,
shared.ofCountry,
now
)
)
if refused ~= nil then
return deny("shared", refused)
end
end
if number ~= nil then
local ____numberOf_result_43 = numberOf(boxes.number)
local uses = ____numberOf_result_43.uses
local refused = longer(
refusalOf(uses, number.always, now),
refusedNumber(uses, number, now)
)
if refused ~= nil then
return deny("number", refused)
end
end
return nil
end
local function longestWait(boxes, ____bindingPattern0, seconds, now)
local number
local address
address = ____bindingPattern0.address
number = ____bindingPattern0.number
local refused = denied(boxes, {address = address, number = number}, now)
return refused == nil and seconds or math.max(
seconds,
math.ceil(refused.wait / 1000)
)
end
local function count(uses, limits, now, counts)
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local cost = ____value.cost
local idle = ____value.idle
local ____windowOf_result_44 = windowOf(uses, name, duration, now)
local n = ____windowOf_result_44.n
local ends = ____windowOf_result_44.ends
if idle == nil then
uses[name] = {n = n + (cost or 1), ends = ends}
end
counts[name] = {used = n + (cost or 1), wait = ends - now}
end
end
local function countWaits(boxes, waits, now)
if boxes.own == nil then
return
end
local own = addressOf(boxes.own)
count(own.uses, {waits}, now, {})
keepAddress(boxes.own, own, now)
end
local function countWait(boxes, ____bindingPattern0, now)
local address
address = ____bindingPattern0.address
if address ~= nil then
countWaits(boxes, address.waits, now)
end
end
local function suspect(odd, by, meter, ____bindingPattern0, now)
local enforced
local share
local free
free = ____bindingPattern0.free
share = ____bindingPattern0.share
enforced = ____bindingPattern0.enforced
local ____faded_result_45 = faded(meter, halfLives[by], now)
local sent = ____faded_result_45.sent
local verified = ____faded_result_45.verified
local unverified = sent + 1 - verified
if unverified > free + share * verified then
odd[#odd + 1] = {by = by, unverified = unverified, verified = verified, enforced = enforced}
end
end
local function membersOf(members, duration, now)
if members == nil or members.ends <= now then
return {of = {}, ends = now + duration * 1000}
end
if members.ends > now + duration * 1000 then
members.ends = now + duration * 1000
end
return members
end
local function sizeOf(members)
local size = 0
for name in pairs(members.of) do
if members.of[name] ~= nil then
size = size + 1
end
end
return size
end
local function oddOf(boxes, parts, now)
local odd = {}
local ____parts_46 = parts
local address = ____parts_46.address
local shared = ____parts_46.shared
if shared ~= nil then
suspect(
odd,
"country",
sharedOf(boxes.country).meter,
shared.country,
now
)
end
if address ~= nil then
suspect(
odd,
"address",
addressOf(boxes.own).meter,
address.meter,
now
)
end
if shared ~= nil then
suspect(
odd,
"range",
sharedOf(boxes.range).meter,
shared.range,
now
)
end
if address ~= nil then
local ____address_countries_47 = address.countries
local points = ____address_countries_47.points
local duration = ____address_countries_47.duration
local enforced = ____address_countries_47.enforced
local members = membersOf(
addressOf(boxes.own).countries,
duration,
now
)
local size = sizeOf(members)
if size >= points and members.of[address.country] == nil then
local wait = members.ends - now
odd[#odd + 1] = {
by = "countries",
unverified = size + 1,
verified = 0,
enforced = enforced,
wait = wait
}
end
end
return odd
end
local function isEnforced(odd)
for ____, ____value in ipairs(odd) do
local enforced = ____value.enforced
if enforced then
return true
end
end
return false
end
local function metered(meter, halfLife, now, sent, verified)
local next = faded(meter, halfLife, now)
next.sent = math.max(next.sent + sent, 0)
next.verified = math.max(next.verified + verified, 0)
local ____temp_48
if next.sent + next.verified < 0.001 then
____temp_48 = nil
else
____temp_48 = next
end
return ____temp_48
end
local function enter(members, name)
members.of[name] = (members.of[name] or 0) + 1
return members
end
local function countMessage(boxes, parts, now)
local counts = {
own = {},
site = {},
app = {},
country = {},
number = {}
}
local ____parts_49 = parts
local address = ____parts_49.address
local shared = ____parts_49.shared
local number = ____parts_49.number
if address ~= nil then
local own = addressOf(boxes.own)
count(own.uses, address.own, now, counts.own)
own.meter = metered(
own.meter,
halfLives.address,
now,
1,
0
)
own.countries = enter(
membersOf(own.countries, address.countries.duration, now),
address.country
)
keepAddress(boxes.own, own, now)
if #address.site > 0 then
local site = addressOf(boxes.site)
count(site.uses, address.site, now, counts.site)
keepAddress(boxes.site, site, now)
end
end
if shared ~= nil then
local app = sharedOf(boxes.app)
count(app.uses, shared.app, now, counts.app)
keepShared(boxes.app, app, now, 0)
local country = sharedOf(boxes.country)
count(country.uses, shared.ofCountry, now, counts.country)
if not shared.decoy then
country.meter = metered(
country.meter,
halfLives.country,
now,
1,
0
)
end
keepShared(boxes.country, country, now, halfLives.country)
local range = sharedOf(boxes.range)
range.meter = metered(
range.meter,
halfLives.range,
now,
1,
0
)
keepShared(boxes.range, range, now, halfLives.range)
end
if number ~= nil then
local record = numberOf(boxes.number)
local full = refusalOf(record.uses, number.limits, now) ~= nil
count(record.uses, number.always, now, counts.number)
count(record.uses, full and number.own or number.limits, now, counts.number)
keepNumber(boxes.number, record, now)
end
return counts
end
local function orNone(odd)
return #odd > 0 and odd or nil
end
local function admit(boxes, parts, passed, now)
local refused = denied(boxes, parts, now)
if refused ~= nil then
if refused.by == "shared" or refused.by == "number" then
countWait(boxes, parts, now)
end
return refused
end
local odd = oddOf(boxes, parts, now)
if not passed and isEnforced(odd) then
countWait(boxes, parts, now)
return {status = "odd", odd = odd}
end
return {
status = "admitted",
counts = countMessage(boxes, parts, now),
odd = orNone(odd)
}
end
local function renewFlow(flow, ____bindingPattern0, now)
local maxLifetime
local lifetime
local reference
reference = ____bindingPattern0.reference
lifetime = ____bindingPattern0.lifetime
maxLifetime = ____bindingPattern0.maxLifetime
flow.state = "sending"
flow.reference = reference
flow.expires = math.min(now + lifetime * 1000, flow.created + maxLifetime * 1000)
end
local function keepFlow(box, flow, now)
box.value = flow
box.keep = math.max(flow.kept - now, 1)
end
local function reserveLatest(number, flow, knownBrowser, cooldown, now)
local ____number_50 = number
local latest = ____number_50.latest
local passes = knownBrowser and latest ~= nil and latest.reserved == true and latest["until"] > now
local ____number_54 = number
local ____flow_52 = flow
local ____temp_53 = now + cooldown * 1000
local ____knownBrowser_51
if knownBrowser then
____knownBrowser_51 = nil
else
____knownBrowser_51 = true
end
____number_54.latest = {flow = ____flow_52, ["until"] = ____temp_53, reserved = ____knownBrowser_51, passed = passes and latest["until"] or nil}
end
local function reserveResend(boxes, flow, request, now)
local own = flow.code ~= nil or request.code ~= nil
local renew = own or flow.state ~= "pending" or flow.expires - now < request.renewBelow * 1000
flow.before = {
state = flow.state == "pending" and "pending" or "unconfirmed",
reference = flow.reference,
code = flow.code,
via = flow.via,
delivery = flow.delivery,
expires = flow.expires,
sent = flow.sent
}
flow.resends = (flow.resends or 0) + 1
flow.sent = now
flow.via = request.via
flow.language = request.language or flow.language
flow.code = request.code
flow.lease = now + request.lease * 1000
flow.resend = request.reference
flow.delivery = nil
flow.askedAt = nil
if renew then
renewFlow(flow, request, now)
end
if boxes.flow ~= nil then
keepFlow(boxes.flow, flow, now)
end
if boxes.number ~= nil then
local number = numberOf(boxes.number)
reserveLatest(
number,
request.flow,
request.knownBrowser,
request.cooldown,
now
)
keepNumber(boxes.number, number, now)
end
return renew and "renew" or "reserved"
end
local function resend(boxes, ____bindingPattern0, now)
local passed
local request
local parts
parts = ____bindingPattern0.parts
request = ____bindingPattern0.request
passed = ____bindingPattern0.passed
local flow = flowOf(boxes.flow, now)
if request ~= nil and flow ~= nil and flow.resend == request.reference and refusalOfFlow(flow, now) == nil then
local status = flow.reference == request.reference and "renew" or "reserved"
return {
status = status,
record = viewOf(flow, now),
counts = noCounts()
}
end
local flooding = refuseFlood(boxes, parts, request and request.cooldown, now)
if flooding ~= nil then
return flooding
end
if request ~= nil then
local waits = waitForResend(boxes, flow, request, now)
if waits ~= nil then
if waits.status == "too_soon" then
waits.retryAfter = longestWait(boxes, parts, waits.retryAfter, now)
end
if waits.status ~= "lookup" and not request.again then
countWait(boxes, parts, now)
end
return waits
end
end
local admitted = admit(boxes, parts, passed, now)
if admitted.status ~= "admitted" then
return admitted
end
if request == nil or flow == nil then
return admitted
end
local counts = admitted.counts
local odd = admitted.odd
local status = reserveResend(boxes, flow, request, now)
return {
status = status,
record = viewOf(flow, now),
counts = counts,
odd = odd
}
end
local reply = resend(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  settleResend: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    return redis.error_reply('WRONGTYPE of a record')
  end
  boxes[name] = box
end
local prune, keepUntil, pruneFlows, keepNumber, failuresKept
function prune(uses, now)
local last = 0
for name in pairs(uses) do
local window = uses[name]
if window ~= nil then
if window.ends <= now then
uses[name] = nil
elseif window.ends > last then
last = window.ends
end
end
end
return last
end
function keepUntil(box, value, ends, now)
box.value = value
box.keep = math.max(ends - now, 0)
end
function pruneFlows(record, now)
local ____record_13 = record
local flows = ____record_13.flows
if flows == nil then
return 0
end
local last = 0
for name in pairs(flows) do
local ends = flows[name]
if ends ~= nil and ends <= now then
flows[name] = nil
elseif ends ~= nil then
last = math.max(last, ends)
end
end
if last == 0 then
record.flows = nil
end
return last
end
function keepNumber(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_14 = record
local latest = ____record_14.latest
local failures = ____record_14.failures
if latest ~= nil and latest["until"] <= now then
record.latest = nil
elseif latest ~= nil then
ends = math.max(ends, latest["until"])
end
if failures ~= nil then
ends = math.max(ends, failures.last + failuresKept)
end
ends = math.max(
ends,
pruneFlows(record, now)
)
keepUntil(box, record, ends, now)
end
local skew = 10000
local function flowOf(box, now)
local flow = box and box.value
if flow == nil or flow.created > now + skew or flow.kept <= now then
return nil
end
return flow
end
local function numberOf(box)
return box and box.value or ({uses = {}})
end
local function addressOf(box)
return box and box.value or ({uses = {}})
end
local function renew(uses, limits, now)
local renewed = false
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local window = uses[name]
if window ~= nil and window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
renewed = true
end
end
return renewed
end
local halfLives = {address = 43200, country = 43200, range = 3600}
local meterKept = 4
local function keepAddress(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_6 = record
local meter = ____record_6.meter
local countries = ____record_6.countries
local failed = ____record_6.failed
if meter ~= nil then
ends = math.max(ends, meter.at + halfLives.address * meterKept * 1000)
end
if countries ~= nil then
ends = math.max(ends, countries.ends)
end
if failed ~= nil then
ends = math.max(ends, failed.ends)
end
keepUntil(box, record, ends, now)
end
local function failuresOf(number, now)
local ____number_7 = number
local failures = ____number_7.failures
if failures ~= nil and failures.last > now then
failures.wait = math.max((failures.wait or 0) - failures.last + now, 0)
failures.last = now
end
return failures
end
local function setTryRight(boxes, address, browserLimit, now)
if address ~= nil then
local own = addressOf(boxes.own)
local failed = own.failed
local moved = renew(own.uses, {address.failures}, now)
local ends = now + address.numbers.duration * 1000
if failed ~= nil and failed.ends > ends then
failed.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
end
local number = numberOf(boxes.number)
local ahead = number.failures ~= nil and number.failures.last > now
if ahead then
failuresOf(number, now)
end
local moved = ahead
if browserLimit ~= nil and renew(number.uses, {browserLimit}, now) then
moved = true
end
if moved then
keepNumber(boxes.number, number, now)
end
end
local function failures(boxes, _args, now)
setTryRight(boxes, nil, nil, now)
local ____temp_8
if boxes.number == nil then
____temp_8 = nil
else
____temp_8 = failuresOf(
numberOf(boxes.number),
now
)
end
local failed = ____temp_8
local wait = math.max(
0,
math.ceil(((failed and failed.wait or 0) - now) / 1000)
)
return {total = failed and failed.total or 0, wait = wait}
end
failuresKept = 365 * 86400000
local function dropLatest(box, flow, now)
local number = numberOf(box)
local latest = number.latest
if (latest and latest.flow) ~= flow then
return
end
local left = math.min(latest.passed or 0, latest["until"])
number.latest = left > now and ({flow = flow, ["until"] = left, reserved = true}) or nil
keepNumber(box, number, now)
end
local function uncount(uses, limits, now)
for ____, ____value in ipairs(limits) do
local name = ____value.name
local cost = ____value.cost
local idle = ____value.idle
local window = uses[name]
if window ~= nil and window.ends > now and idle == nil then
window.n = window.n - (cost or 1)
if window.n <= 0 then
uses[name] = nil
end
end
end
end
local function faded(meter, halfLife, now)
if meter == nil then
return {sent = 0, verified = 0, at = now}
end
local weight = 2 ^ (-math.max(now - meter.at, 0) / (halfLife * 1000))
return {sent = meter.sent * weight, verified = meter.verified * weight, at = now}
end
local function metered(meter, halfLife, now, sent, verified)
local next = faded(meter, halfLife, now)
next.sent = math.max(next.sent + sent, 0)
next.verified = math.max(next.verified + verified, 0)
local ____temp_17
if next.sent + next.verified < 0.001 then
____temp_17 = nil
else
____temp_17 = next
end
return ____temp_17
end
local function sizeOf(members)
local size = 0
for name in pairs(members.of) do
if members.of[name] ~= nil then
size = size + 1
end
end
return size
end
local function leave(members, name, uses)
if members == nil then
return nil
end
local left = (members.of[name] or 0) - uses
members.of[name] = left > 0 and left or nil
local ____temp_18
if sizeOf(members) == 0 then
____temp_18 = nil
else
____temp_18 = members
end
return ____temp_18
end
local function windowOf(uses, name, duration, now)
local window = uses[name]
if window == nil or window.ends <= now then
return {n = 0, ends = now + duration * 1000}
end
if window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
end
return window
end
local function count(uses, limits, now, counts)
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local cost = ____value.cost
local idle = ____value.idle
local ____windowOf_result_19 = windowOf(uses, name, duration, now)
local n = ____windowOf_result_19.n
local ends = ____windowOf_result_19.ends
if idle == nil then
uses[name] = {n = n + (cost or 1), ends = ends}
end
counts[name] = {used = n + (cost or 1), wait = ends - now}
end
end
local function sharedOf(box)
return box and box.value or ({uses = {}})
end
local function keepShared(box, record, now, halfLife)
if box == nil then
return
end
local ____record_22 = record
local meter = ____record_22.meter
local ends = prune(record.uses, now)
local faded = meter == nil and 0 or meter.at + halfLife * meterKept * 1000
keepUntil(
box,
record,
math.max(ends, faded),
now
)
end
local function giveBack(boxes, given, now)
local ____given_23 = given
local address = ____given_23.address
local shared = ____given_23.shared
local number = ____given_23.number
local waited = ____given_23.waited
if address ~= nil then
local own = addressOf(boxes.own)
uncount(own.uses, address.own, now)
own.meter = metered(
own.meter,
halfLives.address,
now,
-1,
0
)
own.countries = leave(own.countries, address.country, 1)
if waited == true then
count(own.uses, {address.waits}, now, {})
end
keepAddress(boxes.own, own, now)
if #address.site > 0 then
local site = addressOf(boxes.site)
uncount(site.uses, address.site, now)
keepAddress(boxes.site, site, now)
end
end
if shared ~= nil then
local app = sharedOf(boxes.app)
uncount(app.uses, shared.app, now)
keepShared(boxes.app, app, now, 0)
local country = sharedOf(boxes.country)
uncount(country.uses, shared.ofCountry, now)
if not shared.decoy then
country.meter = metered(
country.meter,
halfLives.country,
now,
-1,
0
)
end
keepShared(boxes.country, country, now, halfLives.country)
if address ~= nil then
local range = sharedOf(boxes.range)
range.meter = metered(
range.meter,
halfLives.range,
now,
-1,
0
)
keepShared(boxes.range, range, now, halfLives.range)
end
end
if number ~= nil then
local record = numberOf(boxes.number)
uncount(record.uses, number, now)
keepNumber(boxes.number, record, now)
end
return {done = true}
end
local function drop(box)
box.value = nil
box.keep = 0
end
local function keepFlow(box, flow, now)
box.value = flow
box.keep = math.max(flow.kept - now, 1)
end
local function giveUp(box, flow, now)
flow.resend = nil
flow.lease = nil
if flow.state == "dead" then
flow.reference = ""
end
if flow["end"] == "cancelled" or flow["end"] == "replaced" then
drop(box)
else
keepFlow(box, flow, now)
end
end
local function failEnded(boxes, box, flow, ____bindingPattern0, now)
local back
local name
name = ____bindingPattern0.flow
back = ____bindingPattern0.back
if boxes.number ~= nil then
dropLatest(boxes.number, name, now)
end
if back ~= nil then
giveBack(boxes, back, now)
end
giveUp(box, flow, now)
return {kept = false, back = true}
end
local function renewFlow(flow, ____bindingPattern0, now)
local maxLifetime
local lifetime
local reference
reference = ____bindingPattern0.reference
lifetime = ____bindingPattern0.lifetime
maxLifetime = ____bindingPattern0.maxLifetime
flow.state = "sending"
flow.reference = reference
flow.expires = math.min(now + lifetime * 1000, flow.created + maxLifetime * 1000)
end
local function undoResend(flow)
local ____flow_24 = flow
local before = ____flow_24.before
flow.lease = nil
if before == nil then
return
end
flow.resends = (flow.resends or 0) - 1
flow.sent = before.sent
flow.via = before.via
flow.code = before.code
flow.delivery = before.delivery
flow.before = nil
end
local function holdLatest(box, flow, now)
local number = numberOf(box)
local ____opt_25 = number.latest
if (____opt_25 and ____opt_25.flow) ~= flow or number.latest.reserved ~= true then
return
end
number.latest.reserved = nil
keepNumber(box, number, now)
end
local function settleResend(boxes, args, now)
local ____args_27 = args
local reference = ____args_27.reference
local result = ____args_27.result
local back = ____args_27.back
local flow = flowOf(boxes.flow, now)
if flow == nil or boxes.flow == nil or flow.resend ~= reference then
return {kept = false}
end
if flow.state == "sending" then
return {kept = result == "renew"}
end
if flow.state ~= "pending" then
if result == "sent" then
return {kept = false}
end
return failEnded(
boxes,
boxes.flow,
flow,
args,
now
)
end
if flow.lease == nil then
return {kept = true}
end
if result == "renew" then
renewFlow(flow, args, now)
elseif result == "failed" then
undoResend(flow)
if boxes.number ~= nil then
dropLatest(boxes.number, args.flow, now)
end
if back ~= nil then
giveBack(boxes, back, now)
end
else
flow.lease = nil
flow.before = nil
if boxes.number ~= nil then
holdLatest(boxes.number, args.flow, now)
end
end
keepFlow(boxes.flow, flow, now)
return {kept = true, back = result == "failed"}
end
local reply = settleResend(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  claim: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    return redis.error_reply('WRONGTYPE of a record')
  end
  boxes[name] = box
end
local addressOf, renew, prune, keepUntil, keepAddress, numberOf, failuresOf, pruneFlows, keepNumber, setTryRight, halfLives, meterKept, failuresKept
function addressOf(box)
return box and box.value or ({uses = {}})
end
function renew(uses, limits, now)
local renewed = false
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local window = uses[name]
if window ~= nil and window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
renewed = true
end
end
return renewed
end
function prune(uses, now)
local last = 0
for name in pairs(uses) do
local window = uses[name]
if window ~= nil then
if window.ends <= now then
uses[name] = nil
elseif window.ends > last then
last = window.ends
end
end
end
return last
end
function keepUntil(box, value, ends, now)
box.value = value
box.keep = math.max(ends - now, 0)
end
function keepAddress(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_2 = record
local meter = ____record_2.meter
local countries = ____record_2.countries
local failed = ____record_2.failed
if meter ~= nil then
ends = math.max(ends, meter.at + halfLives.address * meterKept * 1000)
end
if countries ~= nil then
ends = math.max(ends, countries.ends)
end
if failed ~= nil then
ends = math.max(ends, failed.ends)
end
keepUntil(box, record, ends, now)
end
function numberOf(box)
return box and box.value or ({uses = {}})
end
function failuresOf(number, now)
local ____number_10 = number
local failures = ____number_10.failures
if failures ~= nil and failures.last > now then
failures.wait = math.max((failures.wait or 0) - failures.last + now, 0)
failures.last = now
end
return failures
end
function pruneFlows(record, now)
local ____record_11 = record
local flows = ____record_11.flows
if flows == nil then
return 0
end
local last = 0
for name in pairs(flows) do
local ends = flows[name]
if ends ~= nil and ends <= now then
flows[name] = nil
elseif ends ~= nil then
last = math.max(last, ends)
end
end
if last == 0 then
record.flows = nil
end
return last
end
function keepNumber(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_12 = record
local latest = ____record_12.latest
local failures = ____record_12.failures
if latest ~= nil and latest["until"] <= now then
record.latest = nil
elseif latest ~= nil then
ends = math.max(ends, latest["until"])
end
if failures ~= nil then
ends = math.max(ends, failures.last + failuresKept)
end
ends = math.max(
ends,
pruneFlows(record, now)
)
keepUntil(box, record, ends, now)
end
function setTryRight(boxes, address, browserLimit, now)
if address ~= nil then
local own = addressOf(boxes.own)
local failed = own.failed
local moved = renew(own.uses, {address.failures}, now)
local ends = now + address.numbers.duration * 1000
if failed ~= nil and failed.ends > ends then
failed.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
end
local number = numberOf(boxes.number)
local ahead = number.failures ~= nil and number.failures.last > now
if ahead then
failuresOf(number, now)
end
local moved = ahead
if browserLimit ~= nil and renew(number.uses, {browserLimit}, now) then
moved = true
end
if moved then
keepNumber(boxes.number, number, now)
end
end
halfLives = {address = 43200, country = 43200, range = 3600}
meterKept = 4
local function failures(boxes, _args, now)
setTryRight(boxes, nil, nil, now)
local ____temp_5
if boxes.number == nil then
____temp_5 = nil
else
____temp_5 = failuresOf(
numberOf(boxes.number),
now
)
end
local failed = ____temp_5
local wait = math.max(
0,
math.ceil(((failed and failed.wait or 0) - now) / 1000)
)
return {total = failed and failed.total or 0, wait = wait}
end
failuresKept = 365 * 86400000
local function windowOf(uses, name, duration, now)
local window = uses[name]
if window == nil or window.ends <= now then
return {n = 0, ends = now + duration * 1000}
end
if window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
end
return window
end
local function longer(one, other)
if one == nil or other == nil then
return one or other
end
return other.wait > one.wait and other or one
end
local function refusalOf(uses, limits, now)
local refused
for ____, ____value in ipairs(limits) do
local name = ____value.name
local points = ____value.points
local duration = ____value.duration
local cost = ____value.cost
local ____windowOf_result_13 = windowOf(uses or ({}), name, duration, now)
local n = ____windowOf_result_13.n
local ends = ____windowOf_result_13.ends
local used = n + (cost or 1)
if used > points then
refused = longer(refused, {limit = name, used = used, wait = ends - now})
end
end
return refused
end
local function deny(by, ____bindingPattern0)
local wait
local used
local limit
limit = ____bindingPattern0.limit
used = ____bindingPattern0.used
wait = ____bindingPattern0.wait
return {
status = "limited",
by = by,
limit = limit,
used = used,
wait = wait
}
end
local function sharedOf(box)
return box and box.value or ({uses = {}})
end
local function refusedNumber(uses, ____bindingPattern0, now)
local own
local limits
limits = ____bindingPattern0.limits
own = ____bindingPattern0.own
local refused = refusalOf(uses, limits, now)
if refused == nil or #own == 0 then
return refused
end
local ofOwn = refusalOf(uses, own, now)
local ____temp_16
if ofOwn == nil or ofOwn.wait < refused.wait then
____temp_16 = ofOwn
else
____temp_16 = refused
end
return ____temp_16
end
local function denied(boxes, parts, now)
local ____parts_17 = parts
local address = ____parts_17.address
local shared = ____parts_17.shared
local number = ____parts_17.number
if address ~= nil then
local own = refusalOf(
addressOf(boxes.own).uses,
address.own,
now
)
local site = refusalOf(
addressOf(boxes.site).uses,
address.site,
now
)
local refused = longer(own, site)
if refused ~= nil then
return deny(refused == own and "own" or "site", refused)
end
end
if shared ~= nil then
local refused = longer(
refusalOf(
sharedOf(boxes.app).uses,
shared.app,
now
),
refusalOf(
sharedOf(boxes.country).uses,
shared.ofCountry,
now
)
)
if refused ~= nil then
return deny("shared", refused)
end
end
if number ~= nil then
local ____numberOf_result_18 = numberOf(boxes.number)
local uses = ____numberOf_result_18.uses
local refused = longer(
refusalOf(uses, number.always, now),
refusedNumber(uses, number, now)
)
if refused ~= nil then
return deny("number", refused)
end
end
return nil
end
local function membersOf(members, duration, now)
if members == nil or members.ends <= now then
return {of = {}, ends = now + duration * 1000}
end
if members.ends > now + duration * 1000 then
members.ends = now + duration * 1000
end
return members
end
local function sizeOf(members)
local size = 0
for name in pairs(members.of) do
if members.of[name] ~= nil then
size = size + 1
end
end
return size
end
local function refusalOfRecord(record, ____bindingPattern0, now)
local numbers
local number
local failures
failures = ____bindingPattern0.failures
number = ____bindingPattern0.number
numbers = ____bindingPattern0.numbers
local refused = refusalOf(record.uses, {failures}, now)
local failed = membersOf(record.failed, numbers.duration, now)
local size = sizeOf(failed)
if size >= numbers.points and failed.of[number] == nil then
local wait = failed.ends - now
refused = longer(refused, {limit = "failed_numbers", used = size + 1, wait = wait})
end
if refused == nil then
return nil
end
return {status = "address", limit = refused.limit, used = refused.used, wait = refused.wait}
end
local function refusalOfAddress(box, address, now)
if address == nil then
return nil
end
local own = refusalOfRecord(
addressOf(box),
address,
now
)
if own ~= nil then
return own
end
for ____, older in ipairs(address.older or ({})) do
local refused = refusalOfRecord(older, address, now)
if refused ~= nil then
return refused
end
end
return nil
end
local function count(uses, limits, now, counts)
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local cost = ____value.cost
local idle = ____value.idle
local ____windowOf_result_19 = windowOf(uses, name, duration, now)
local n = ____windowOf_result_19.n
local ends = ____windowOf_result_19.ends
if idle == nil then
uses[name] = {n = n + (cost or 1), ends = ends}
end
counts[name] = {used = n + (cost or 1), wait = ends - now}
end
end
local function chargeAddress(box, address, now)
if box == nil or address == nil then
return
end
local own = addressOf(box)
count(own.uses, {address.failures}, now, {})
keepAddress(box, own, now)
end
local skew = 10000
local function flowOf(box, now)
local flow = box and box.value
if flow == nil or flow.created > now + skew or flow.kept <= now then
return nil
end
return flow
end
local longestLease = 35000
local function leaseOf(lease, now)
if lease == nil or lease > now + longestLease + skew then
return 0
end
return lease
end
local function viewOf(flow, now)
return {
state = flow.state,
["end"] = flow["end"],
reference = flow.reference,
number = flow.number,
otp = flow.otp,
via = flow.via,
country = flow.country,
purpose = flow.purpose,
language = flow.language,
expiresIn = (flow.expires - now) / 1000,
sentAgo = (now - flow.sent) / 1000,
resends = flow.resends or 0,
attempts = flow.attempts or 0,
counted = flow.counted or 0,
delivery = flow.delivery or "unknown"
}
end
local function keepFlow(box, flow, now)
box.value = flow
box.keep = math.max(flow.kept - now, 1)
end
local function claimSignIn(box, flow, request, now)
local ____flow_22 = flow
local signIn = ____flow_22.signIn
if signIn == nil or signIn.hash ~= request.hash or signIn["until"] <= now then
return {status = "none"}
end
local ____signIn_23 = signIn
local session = ____signIn_23.session
local refusal = ____signIn_23.refusal
if refusal ~= nil then
return {status = "refused", refusal = refusal}
end
local completed = flow.state == "completed"
if leaseOf(signIn.lease, now) > now and signIn.opener ~= request.attempt then
return {status = "join", opening = true}
end
if completed and request.joining and not request.again then
return {
status = "opened",
record = viewOf(flow, now),
session = session
}
end
if completed and signIn.opener ~= request.attempt then
local repeats = (signIn.repeats or 0) + 1
if repeats > request.repeats then
return {status = "none"}
end
signIn.repeats = repeats
end
signIn.opener = request.attempt
signIn.lease = now + request.openingLease * 1000
flow.kept = math.max(flow.kept, signIn.lease)
keepFlow(box, flow, now)
return {
status = "verified",
record = viewOf(flow, now),
by = flow.by or "",
repeated = completed,
session = session
}
end
local function refusalOfFlow(flow, now)
if flow == nil or flow.state == "completed" then
return "none"
end
if flow.state == "dead" then
return (flow["end"] == "expired" or flow["end"] == "attempts") and flow["end"] or "none"
end
return flow.state ~= "verified" and flow.expires <= now and "expired" or nil
end
local function canBeLookedUp(flow)
return flow.code == nil
end
local function judgeOwn(flow, hash)
local ____flow_24 = flow
local code = ____flow_24.code
local before = ____flow_24.before
if code == hash or before ~= nil and before.code == hash then
return "right"
end
if before ~= nil and before.code == nil and before.state == "pending" then
return nil
end
local ____temp_25
if code == nil then
____temp_25 = nil
else
____temp_25 = "wrong"
end
return ____temp_25
end
local function takeTurn(flow, every, now)
local last = flow.askedAt
if last ~= nil and last <= now and now - last < every * 1000 then
return false
end
flow.askedAt = now
return true
end
local lookupLease = 4
local function takeLookup(flow, every, now)
if not takeTurn(flow, every, now) then
return false
end
flow.state = "unconfirmed"
flow.lease = now + lookupLease * 1000
return true
end
local function endWait(flow, hash)
flow.lease = nil
flow.state = "unconfirmed"
if flow.code ~= hash then
return
end
flow.state = "pending"
flow.before = nil
end
local function triedOf(flow, now)
local ____flow_26 = flow
local tried = ____flow_26.tried
local ____temp_27
if tried == nil or tried["until"] <= now then
____temp_27 = nil
else
____temp_27 = tried
end
return ____temp_27
end
local function unresolved(flow, tried, request, now)
return {
status = "unresolved",
record = viewOf(flow, now),
sameCode = tried.hash == request.hash,
earlier = tried.earlier,
judged = judgeOwn(flow, request.hash)
}
end
local function claimed(flow, earlier, ____bindingPattern0, now)
local hash
hash = ____bindingPattern0.hash
local judged = judgeOwn(flow, hash)
return {
status = "claimed",
record = viewOf(flow, now),
earlier = earlier,
judged = judged
}
end
local function joinOf(flow, tried, request, now)
local same = (tried and tried.hash) == request.hash
if tried ~= nil and tried.state == "checking" and leaseOf(tried.lease, now) > now then
if tried.id == request.attempt then
if tried.taken == true then
return unresolved(flow, tried, request, now)
end
return claimed(flow, tried.earlier, request, now)
end
if same then
return {status = "join", opening = false}
end
return {
status = "busy",
retryAfter = math.ceil((tried.lease - now) / 1000)
}
end
if request.joining and (tried and tried.state) ~= "checking" then
if (tried and tried.state) == "wrong" and same then
return {status = "wrong", attempts = flow.attempts or 0}
end
return {status = "unknown"}
end
return nil
end
local function waitAfter(recent, rules, now)
if recent < rules.freeFailures then
return 0
end
local doubled = rules.failureWait * 2 ^ math.min(recent - rules.freeFailures, 30)
return now + 1000 * math.min(rules.failureMaxWait, doubled)
end
local function charge(box, rules, browserLimit, attempt, now)
local number = numberOf(box)
local failed = failuresOf(number, now) or ({total = 0, last = now})
if failed.total >= rules.disableAt then
return {status = "limited", retryAfter = rules.failureMaxWait, disabled = true}
end
local waitBefore = failed.wait or 0
local own = browserLimit ~= nil and refusalOf(number.uses, {browserLimit}, now) == nil
if own and browserLimit ~= nil then
count(number.uses, {browserLimit}, now, {})
else
if waitBefore > now then
local retryAfter = math.ceil((waitBefore - now) / 1000)
return {status = "limited", retryAfter = retryAfter, disabled = false}
end
local over = now > math.max(failed.last, waitBefore) + rules.failureWindow * 1000
failed.recent = (over and 0 or (failed.recent or 0)) + 1
failed.wait = waitAfter(failed.recent, rules, now)
failed.last = now
failed.by = attempt
end
failed.total = failed.total + 1
number.failures = failed
keepNumber(box, number, now)
return {knownBrowser = own, waitBefore = waitBefore}
end
local function openCode(flow, tried)
if tried == nil then
return flow.open == true and "*" or nil
end
if tried.state == "wrong" then
local ____temp_34
if tried.open == tried.hash then
____temp_34 = nil
else
____temp_34 = tried.open
end
return ____temp_34
end
if tried.state ~= "late" then
return nil
end
return (tried.open == nil or tried.open == tried.hash) and tried.hash or "*"
end
local function claimTry(boxes, box, flow, request, now)
if boxes.number == nil then
return {status = "none"}
end
local ____request_35 = request
local attempt = ____request_35.attempt
local hash = ____request_35.hash
local charged = charge(
boxes.number,
request.rules,
request.browserLimit,
attempt,
now
)
if charged.status ~= nil then
return charged
end
local open = openCode(
flow,
triedOf(flow, now)
)
local earlier = open == nil and "none" or (open == hash and "same" or "other")
flow.attempts = (flow.attempts or 0) + 1
flow.open = true
local ____flow_45 = flow
local ____attempt_37 = attempt
local ____hash_38 = hash
local ____temp_39 = now + request.lease * 1000
local ____temp_40 = now + request.window * 1000
local ____earlier_41 = earlier
local ____open_42 = open
local ____attempt_43 = attempt
local ____charged_waitBefore_44 = charged.waitBefore
local ____charged_knownBrowser_36
if charged.knownBrowser then
____charged_knownBrowser_36 = true
else
____charged_knownBrowser_36 = nil
end
____flow_45.tried = {
id = ____attempt_37,
state = "checking",
hash = ____hash_38,
lease = ____temp_39,
["until"] = ____temp_40,
earlier = ____earlier_41,
open = ____open_42,
by = ____attempt_43,
waitBefore = ____charged_waitBefore_44,
knownBrowser = ____charged_knownBrowser_36
}
keepFlow(box, flow, now)
return claimed(flow, earlier, request, now)
end
local function claim(boxes, ____bindingPattern0, now)
local request
local address
address = ____bindingPattern0.address
request = ____bindingPattern0.request
setTryRight(boxes, address, request and request.browserLimit, now)
if request == nil then
local denied = refusalOfAddress(boxes.own, address, now)
if denied == nil then
chargeAddress(boxes.own, address, now)
end
return denied or ({status = "free"})
end
local flow = flowOf(boxes.flow, now)
if flow == nil or boxes.flow == nil or flow.purpose ~= request.purpose then
return {status = "none"}
end
if flow.signIn ~= nil then
return claimSignIn(boxes.flow, flow, request, now)
end
local refused = refusalOfFlow(flow, now)
if refused ~= nil then
return {status = refused}
end
if flow.state ~= "pending" then
if leaseOf(flow.lease, now) > now then
return {status = "sending"}
end
if canBeLookedUp(flow) and judgeOwn(flow, request.hash) == nil then
local every = request.lookupEvery
if every == nil or not takeLookup(flow, every, now) then
return {status = "unsettled"}
end
keepFlow(boxes.flow, flow, now)
return {
status = "lookup",
record = viewOf(flow, now)
}
end
endWait(flow, request.hash)
end
local tried = triedOf(flow, now)
local running = joinOf(flow, tried, request, now)
if running ~= nil then
return running
end
local denied = refusalOfAddress(boxes.own, address, now)
if denied ~= nil then
return denied
end
local open = judgeOwn(flow, request.hash) == nil or (tried and tried.hash) == request.hash
if open and tried ~= nil and (tried.state == "checking" or tried.state == "unresolved") then
tried.id = request.attempt
tried.state = "checking"
tried.lease = now + request.lease * 1000
tried.taken = true
keepFlow(boxes.flow, flow, now)
return unresolved(flow, tried, request, now)
end
if (flow.attempts or 0) >= request.rules.attempts then
return {status = "attempts"}
end
local reply = claimTry(
boxes,
boxes.flow,
flow,
request,
now
)
if reply.status == "claimed" then
chargeAddress(boxes.own, address, now)
end
return reply
end
local reply = claim(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  settleCheck: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    if name == 'number' then return redis.error_reply('WRONGTYPE of a record') end
    box.unreadable = true
  end
  boxes[name] = box
end
local function passOver(boxes)
local ____boxes_0 = boxes
local own = ____boxes_0.own
local app = ____boxes_0.app
local country = ____boxes_0.country
local range = ____boxes_0.range
local unread = false
if own ~= nil and own.unreadable == true then
boxes.own = nil
unread = true
end
if app ~= nil and app.unreadable == true then
boxes.app = nil
unread = true
end
if country ~= nil and country.unreadable == true then
boxes.country = nil
unread = true
end
if range ~= nil and range.unreadable == true then
boxes.range = nil
unread = true
end
return unread
end
local skew = 10000
local function flowOf(box, now)
local flow = box and box.value
if flow == nil or flow.created > now + skew or flow.kept <= now then
return nil
end
return flow
end
local function judgeOwn(flow, hash)
local ____flow_3 = flow
local code = ____flow_3.code
local before = ____flow_3.before
if code == hash or before ~= nil and before.code == hash then
return "right"
end
if before ~= nil and before.code == nil and before.state == "pending" then
return nil
end
local ____temp_4
if code == nil then
____temp_4 = nil
else
____temp_4 = "wrong"
end
return ____temp_4
end
local function canBeTried(____bindingPattern0)
local before
local code
local state
state = ____bindingPattern0.state
code = ____bindingPattern0.code
before = ____bindingPattern0.before
local own = code ~= nil or before ~= nil and before.code ~= nil
return state == "pending" or state == "unconfirmed" and own
end
local function addressOf(box)
return box and box.value or ({uses = {}})
end
local function uncount(uses, limits, now)
for ____, ____value in ipairs(limits) do
local name = ____value.name
local cost = ____value.cost
local idle = ____value.idle
local window = uses[name]
if window ~= nil and window.ends > now and idle == nil then
window.n = window.n - (cost or 1)
if window.n <= 0 then
uses[name] = nil
end
end
end
end
local function prune(uses, now)
local last = 0
for name in pairs(uses) do
local window = uses[name]
if window ~= nil then
if window.ends <= now then
uses[name] = nil
elseif window.ends > last then
last = window.ends
end
end
end
return last
end
local halfLives = {address = 43200, country = 43200, range = 3600}
local meterKept = 4
local function keepUntil(box, value, ends, now)
box.value = value
box.keep = math.max(ends - now, 0)
end
local function keepAddress(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_7 = record
local meter = ____record_7.meter
local countries = ____record_7.countries
local failed = ____record_7.failed
if meter ~= nil then
ends = math.max(ends, meter.at + halfLives.address * meterKept * 1000)
end
if countries ~= nil then
ends = math.max(ends, countries.ends)
end
if failed ~= nil then
ends = math.max(ends, failed.ends)
end
keepUntil(box, record, ends, now)
end
local function refundAddress(box, address, taken, now)
if address == nil or box == nil or taken == true then
return
end
local own = addressOf(box)
uncount(own.uses, {address.failures}, now)
keepAddress(box, own, now)
end
local function renew(uses, limits, now)
local renewed = false
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local window = uses[name]
if window ~= nil and window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
renewed = true
end
end
return renewed
end
local function numberOf(box)
return box and box.value or ({uses = {}})
end
local function failuresOf(number, now)
local ____number_10 = number
local failures = ____number_10.failures
if failures ~= nil and failures.last > now then
failures.wait = math.max((failures.wait or 0) - failures.last + now, 0)
failures.last = now
end
return failures
end
local failuresKept = 365 * 86400000
local function pruneFlows(record, now)
local ____record_11 = record
local flows = ____record_11.flows
if flows == nil then
return 0
end
local last = 0
for name in pairs(flows) do
local ends = flows[name]
if ends ~= nil and ends <= now then
flows[name] = nil
elseif ends ~= nil then
last = math.max(last, ends)
end
end
if last == 0 then
record.flows = nil
end
return last
end
local function keepNumber(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_12 = record
local latest = ____record_12.latest
local failures = ____record_12.failures
if latest ~= nil and latest["until"] <= now then
record.latest = nil
elseif latest ~= nil then
ends = math.max(ends, latest["until"])
end
if failures ~= nil then
ends = math.max(ends, failures.last + failuresKept)
end
ends = math.max(
ends,
pruneFlows(record, now)
)
keepUntil(box, record, ends, now)
end
local function setTryRight(boxes, address, browserLimit, now)
if address ~= nil then
local own = addressOf(boxes.own)
local failed = own.failed
local moved = renew(own.uses, {address.failures}, now)
local ends = now + address.numbers.duration * 1000
if failed ~= nil and failed.ends > ends then
failed.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
end
local number = numberOf(boxes.number)
local ahead = number.failures ~= nil and number.failures.last > now
if ahead then
failuresOf(number, now)
end
local moved = ahead
if browserLimit ~= nil and renew(number.uses, {browserLimit}, now) then
moved = true
end
if moved then
keepNumber(boxes.number, number, now)
end
end
local function failures(boxes, _args, now)
setTryRight(boxes, nil, nil, now)
local ____temp_13
if boxes.number == nil then
____temp_13 = nil
else
____temp_13 = failuresOf(
numberOf(boxes.number),
now
)
end
local failed = ____temp_13
local wait = math.max(
0,
math.ceil(((failed and failed.wait or 0) - now) / 1000)
)
return {total = failed and failed.total or 0, wait = wait}
end
local function totalOf(box)
local ____opt_20 = box and box.value
local ____opt_18 = ____opt_20 and ____opt_20.failures
return ____opt_18 and ____opt_18.total or 0
end
local function keepFlow(box, flow, now)
box.value = flow
box.keep = math.max(flow.kept - now, 1)
end
local function forget(box, ____bindingPattern0, now)
local browserLimit
local flow
flow = ____bindingPattern0.flow
browserLimit = ____bindingPattern0.browserLimit
local number = numberOf(box)
number.failures = nil
if browserLimit ~= nil then
number.uses[browserLimit.name] = nil
end
local ____opt_24 = number.latest
if (____opt_24 and ____opt_24.flow) == flow then
number.latest = nil
end
keepNumber(box, number, now)
end
local function faded(meter, halfLife, now)
if meter == nil then
return {sent = 0, verified = 0, at = now}
end
local weight = 2 ^ (-math.max(now - meter.at, 0) / (halfLife * 1000))
return {sent = meter.sent * weight, verified = meter.verified * weight, at = now}
end
local function metered(meter, halfLife, now, sent, verified)
local next = faded(meter, halfLife, now)
next.sent = math.max(next.sent + sent, 0)
next.verified = math.max(next.verified + verified, 0)
local ____temp_26
if next.sent + next.verified < 0.001 then
____temp_26 = nil
else
____temp_26 = next
end
return ____temp_26
end
local function sizeOf(members)
local size = 0
for name in pairs(members.of) do
if members.of[name] ~= nil then
size = size + 1
end
end
return size
end
local function leave(members, name, uses)
if members == nil then
return nil
end
local left = (members.of[name] or 0) - uses
members.of[name] = left > 0 and left or nil
local ____temp_27
if sizeOf(members) == 0 then
____temp_27 = nil
else
____temp_27 = members
end
return ____temp_27
end
local function sharedOf(box)
return box and box.value or ({uses = {}})
end
local function keepShared(box, record, now, halfLife)
if box == nil then
return
end
local ____record_30 = record
local meter = ____record_30.meter
local ends = prune(record.uses, now)
local faded = meter == nil and 0 or meter.at + halfLife * meterKept * 1000
keepUntil(
box,
record,
math.max(ends, faded),
now
)
end
local function countHonest(boxes, honest, now)
if honest == nil then
return
end
local ____honest_31 = honest
local country = ____honest_31.country
local messages = ____honest_31.messages
local number = ____honest_31.number
if boxes.own ~= nil then
local own = addressOf(boxes.own)
own.meter = metered(
own.meter,
halfLives.address,
now,
0,
messages
)
own.countries = leave(own.countries, country, messages)
own.failed = leave(own.failed, number, 1000000)
keepAddress(boxes.own, own, now)
end
if boxes.country ~= nil then
local shared = sharedOf(boxes.country)
shared.meter = metered(
shared.meter,
halfLives.country,
now,
0,
messages
)
keepShared(boxes.country, shared, now, halfLives.country)
end
if boxes.range ~= nil then
local shared = sharedOf(boxes.range)
shared.meter = metered(
shared.meter,
halfLives.range,
now,
0,
messages
)
keepShared(boxes.range, shared, now, halfLives.range)
end
end
local function prove(boxes, box, flow, args, ____bindingPattern0, now)
local window
local openingLease
local reference
local hash
hash = ____bindingPattern0.hash
reference = ____bindingPattern0.reference
openingLease = ____bindingPattern0.openingLease
window = ____bindingPattern0.window
if flow.state == "verified" and flow.by == args.attempt then
local attempts = flow.attempts or 0
local ____attempts_34 = attempts
local ____opt_32 = flow.signIn
return {status = "settled", attempts = ____attempts_34, failures = ____opt_32 and ____opt_32.failures or 0}
end
local current = flow.reference == reference or judgeOwn(flow, hash) == "right"
if not canBeTried(flow) or not current then
return {status = "stale"}
end
local ____flow_35 = flow
local tried = ____flow_35.tried
local own = tried == nil or tried.id == args.attempt and tried.taken == nil
local ____own_36
if own then
____own_36 = nil
else
____own_36 = true
end
local taken = ____own_36
flow.state = "verified"
flow.by = args.attempt
flow.tried = nil
flow.before = nil
flow.otp = nil
flow.code = nil
local lease = now + openingLease * 1000
refundAddress(boxes.own, args.address, taken, now)
local failures = math.max(
totalOf(boxes.number) - 1,
0
)
flow.signIn = {
hash = hash,
["until"] = now + window * 1000,
opener = args.attempt,
lease = lease,
failures = failures > 0 and failures or nil
}
flow.kept = math.max(now + window * 1000, lease)
keepFlow(box, flow, now)
if boxes.number ~= nil then
forget(boxes.number, args, now)
end
countHonest(boxes, args.honest, now)
return {status = "settled", attempts = flow.attempts or 0, failures = failures, taken = taken}
end
local function settled(boxes, flow, taken, guesses)
local failures = totalOf(boxes.number)
return {
status = "settled",
attempts = flow.attempts or 0,
failures = failures,
guesses = guesses,
taken = taken
}
end
local function triedOf(flow, now)
local ____flow_37 = flow
local tried = ____flow_37.tried
local ____temp_38
if tried == nil or tried["until"] <= now then
____temp_38 = nil
else
____temp_38 = tried
end
return ____temp_38
end
local function windowOf(uses, name, duration, now)
local window = uses[name]
if window == nil or window.ends <= now then
return {n = 0, ends = now + duration * 1000}
end
if window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
end
return window
end
local function count(uses, limits, now, counts)
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local cost = ____value.cost
local idle = ____value.idle
local ____windowOf_result_39 = windowOf(uses, name, duration, now)
local n = ____windowOf_result_39.n
local ends = ____windowOf_result_39.ends
if idle == nil then
uses[name] = {n = n + (cost or 1), ends = ends}
end
counts[name] = {used = n + (cost or 1), wait = ends - now}
end
end
local function enter(members, name)
members.of[name] = (members.of[name] or 0) + 1
return members
end
local function membersOf(members, duration, now)
if members == nil or members.ends <= now then
return {of = {}, ends = now + duration * 1000}
end
if members.ends > now + duration * 1000 then
members.ends = now + duration * 1000
end
return members
end
local function failAddress(box, address, taken, now)
if box == nil or address == nil then
return
end
local own = addressOf(box)
if taken == true then
count(own.uses, {address.failures}, now, {})
end
own.failed = enter(
membersOf(own.failed, address.numbers.duration, now),
address.number
)
keepAddress(box, own, now)
end
local function countFailure(boxes, ____bindingPattern0, taken, now)
local guesses
local address
address = ____bindingPattern0.address
guesses = ____bindingPattern0.guesses
failAddress(boxes.own, address, taken, now)
if guesses == nil or boxes.app == nil then
return nil
end
local app = sharedOf(boxes.app)
local counts = {}
count(app.uses, {guesses}, now, counts)
keepShared(boxes.app, app, now, 0)
return counts[guesses.name]
end
local longestLease = 35000
local function leaseOf(lease, now)
if lease == nil or lease > now + longestLease + skew then
return 0
end
return lease
end
local function drop(box)
box.value = nil
box.keep = 0
end
local endedKept = 600000
local function finish(box, flow, ____end, now)
local asking = leaseOf(flow.lease, now)
if asking <= now then
flow.reference = ""
flow.resend = nil
flow.lease = nil
end
flow.state = "dead"
flow["end"] = ____end
flow.otp = nil
flow.code = nil
flow.before = nil
flow.tried = nil
flow.signIn = nil
flow.delivery = nil
flow.askedAt = nil
if ____end == "cancelled" or ____end == "replaced" then
flow.number = ""
flow.kept = asking
if asking > now then
keepFlow(box, flow, now)
else
drop(box)
end
return
end
if ____end == "used" then
flow.number = ""
flow.kept = math.min(flow.kept, now + 60000)
else
flow.kept = now + endedKept
end
keepFlow(box, flow, now)
end
local function reject(boxes, box, flow, tried, args, ____bindingPattern0, now)
local late
local counted
counted = ____bindingPattern0.counted
late = ____bindingPattern0.late
local ____tried_40 = tried
local taken = ____tried_40.taken
local guesses
if tried.state == "checking" then
guesses = countFailure(boxes, args, taken, now)
tried.state = late and "late" or "wrong"
local closes = tried.open == nil or tried.open == tried.hash
if closes and not late then
flow.open = nil
end
tried.lease = 0
flow.counted = counted or flow.counted
end
if (flow.attempts or 0) < args.rules.attempts then
keepFlow(box, flow, now)
else
flow.by = tried.id
finish(box, flow, "attempts", now)
end
return settled(boxes, flow, taken, guesses)
end
local function refund(box, tried, browserLimit, now)
local number = numberOf(box)
local failed = number.failures
if tried.knownBrowser == true and browserLimit ~= nil then
uncount(number.uses, {browserLimit}, now)
end
if failed ~= nil then
failed.total = failed.total - 1
if tried.knownBrowser ~= true then
failed.recent = math.max((failed.recent or 0) - 1, 0)
if failed.by == tried.by then
failed.wait = tried.waitBefore
end
end
if failed.total <= 0 then
number.failures = nil
end
end
keepNumber(box, number, now)
end
local mostRefunds = 10
local function takeBack(boxes, box, flow, tried, args, ____bindingPattern0, now)
local late
local result
result = ____bindingPattern0.result
late = ____bindingPattern0.late
local refunds = flow.refunds or 0
if result == "unasked" or refunds < mostRefunds then
flow.attempts = (flow.attempts or 0) - 1
if result == "unprocessed" then
flow.refunds = refunds + 1
end
if boxes.number ~= nil then
refund(boxes.number, tried, args.browserLimit, now)
end
end
refundAddress(boxes.own, args.address, tried.taken, now)
if late then
tried.id = ""
tried.state = "late"
tried.lease = 0
else
flow.open = nil
flow.tried = nil
end
keepFlow(box, flow, now)
end
local function settleTry(boxes, args, now)
local ____args_41 = args
local attempt = ____args_41.attempt
local result = ____args_41.result
local flow = flowOf(boxes.flow, now)
if flow == nil or boxes.flow == nil then
return {status = "stale"}
end
if result.result == "verified" then
return prove(
boxes,
boxes.flow,
flow,
args,
result,
now
)
end
if flow.state == "dead" and flow.by == attempt then
return settled(boxes, flow)
end
local tried = triedOf(flow, now)
if not canBeTried(flow) or tried == nil or tried.id ~= attempt then
return {status = "stale"}
end
local taken = tried.taken
repeat
local ____switch136 = result.result
local ____cond136 = ____switch136 == "wrong"
if ____cond136 then
return reject(
boxes,
boxes.flow,
flow,
tried,
args,
result,
now
)
end
____cond136 = ____cond136 or ____switch136 == "over"
if ____cond136 then
do
local ____result_failed_42
if result.failed then
____result_failed_42 = countFailure(boxes, args, taken, now)
else
____result_failed_42 = nil
end
local guesses = ____result_failed_42
if not result.failed then
refundAddress(boxes.own, args.address, taken, now)
end
if not result.failed and boxes.number ~= nil then
refund(boxes.number, tried, args.browserLimit, now)
end
flow.by = attempt
finish(boxes.flow, flow, result["end"], now)
return settled(boxes, flow, taken, guesses)
end
end
____cond136 = ____cond136 or (____switch136 == "unasked" or ____switch136 == "unprocessed")
if ____cond136 then
takeBack(
boxes,
boxes.flow,
flow,
tried,
args,
result,
now
)
return settled(boxes, flow, taken)
end
____cond136 = ____cond136 or ____switch136 == "unresolved"
if ____cond136 then
refundAddress(boxes.own, args.address, taken, now)
tried.state = "unresolved"
tried.lease = 0
tried.taken = true
keepFlow(boxes.flow, flow, now)
return settled(boxes, flow, taken)
end
until true
end
local function settleCheck(boxes, args, now)
local unread = passOver(boxes)
local reply = settleTry(boxes, args, now)
if reply.status == "settled" and unread then
reply.unread = true
end
return reply
end
local reply = settleCheck(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  recount: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    if name == 'number' then return redis.error_reply('WRONGTYPE of a record') end
    box.unreadable = true
  end
  boxes[name] = box
end
local function passOver(boxes)
local ____boxes_0 = boxes
local own = ____boxes_0.own
local app = ____boxes_0.app
local country = ____boxes_0.country
local range = ____boxes_0.range
local unread = false
if own ~= nil and own.unreadable == true then
boxes.own = nil
unread = true
end
if app ~= nil and app.unreadable == true then
boxes.app = nil
unread = true
end
if country ~= nil and country.unreadable == true then
boxes.country = nil
unread = true
end
if range ~= nil and range.unreadable == true then
boxes.range = nil
unread = true
end
return unread
end
local function addressOf(box)
return box and box.value or ({uses = {}})
end
local function windowOf(uses, name, duration, now)
local window = uses[name]
if window == nil or window.ends <= now then
return {n = 0, ends = now + duration * 1000}
end
if window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
end
return window
end
local function count(uses, limits, now, counts)
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local cost = ____value.cost
local idle = ____value.idle
local ____windowOf_result_3 = windowOf(uses, name, duration, now)
local n = ____windowOf_result_3.n
local ends = ____windowOf_result_3.ends
if idle == nil then
uses[name] = {n = n + (cost or 1), ends = ends}
end
counts[name] = {used = n + (cost or 1), wait = ends - now}
end
end
local function enter(members, name)
members.of[name] = (members.of[name] or 0) + 1
return members
end
local function membersOf(members, duration, now)
if members == nil or members.ends <= now then
return {of = {}, ends = now + duration * 1000}
end
if members.ends > now + duration * 1000 then
members.ends = now + duration * 1000
end
return members
end
local function prune(uses, now)
local last = 0
for name in pairs(uses) do
local window = uses[name]
if window ~= nil then
if window.ends <= now then
uses[name] = nil
elseif window.ends > last then
last = window.ends
end
end
end
return last
end
local halfLives = {address = 43200, country = 43200, range = 3600}
local meterKept = 4
local function keepUntil(box, value, ends, now)
box.value = value
box.keep = math.max(ends - now, 0)
end
local function keepAddress(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_4 = record
local meter = ____record_4.meter
local countries = ____record_4.countries
local failed = ____record_4.failed
if meter ~= nil then
ends = math.max(ends, meter.at + halfLives.address * meterKept * 1000)
end
if countries ~= nil then
ends = math.max(ends, countries.ends)
end
if failed ~= nil then
ends = math.max(ends, failed.ends)
end
keepUntil(box, record, ends, now)
end
local function failAddress(box, address, taken, now)
if box == nil or address == nil then
return
end
local own = addressOf(box)
if taken == true then
count(own.uses, {address.failures}, now, {})
end
own.failed = enter(
membersOf(own.failed, address.numbers.duration, now),
address.number
)
keepAddress(box, own, now)
end
local function sharedOf(box)
return box and box.value or ({uses = {}})
end
local function faded(meter, halfLife, now)
if meter == nil then
return {sent = 0, verified = 0, at = now}
end
local weight = 2 ^ (-math.max(now - meter.at, 0) / (halfLife * 1000))
return {sent = meter.sent * weight, verified = meter.verified * weight, at = now}
end
local function keepShared(box, record, now, halfLife)
if box == nil then
return
end
local ____record_7 = record
local meter = ____record_7.meter
local ends = prune(record.uses, now)
local faded = meter == nil and 0 or meter.at + halfLife * meterKept * 1000
keepUntil(
box,
record,
math.max(ends, faded),
now
)
end
local function countFailure(boxes, ____bindingPattern0, taken, now)
local guesses
local address
address = ____bindingPattern0.address
guesses = ____bindingPattern0.guesses
failAddress(boxes.own, address, taken, now)
if guesses == nil or boxes.app == nil then
return nil
end
local app = sharedOf(boxes.app)
local counts = {}
count(app.uses, {guesses}, now, counts)
keepShared(boxes.app, app, now, 0)
return counts[guesses.name]
end
local function uncount(uses, limits, now)
for ____, ____value in ipairs(limits) do
local name = ____value.name
local cost = ____value.cost
local idle = ____value.idle
local window = uses[name]
if window ~= nil and window.ends > now and idle == nil then
window.n = window.n - (cost or 1)
if window.n <= 0 then
uses[name] = nil
end
end
end
end
local function refundAddress(box, address, taken, now)
if address == nil or box == nil or taken == true then
return
end
local own = addressOf(box)
uncount(own.uses, {address.failures}, now)
keepAddress(box, own, now)
end
local function metered(meter, halfLife, now, sent, verified)
local next = faded(meter, halfLife, now)
next.sent = math.max(next.sent + sent, 0)
next.verified = math.max(next.verified + verified, 0)
local ____temp_8
if next.sent + next.verified < 0.001 then
____temp_8 = nil
else
____temp_8 = next
end
return ____temp_8
end
local function sizeOf(members)
local size = 0
for name in pairs(members.of) do
if members.of[name] ~= nil then
size = size + 1
end
end
return size
end
local function leave(members, name, uses)
if members == nil then
return nil
end
local left = (members.of[name] or 0) - uses
members.of[name] = left > 0 and left or nil
local ____temp_9
if sizeOf(members) == 0 then
____temp_9 = nil
else
____temp_9 = members
end
return ____temp_9
end
local function countHonest(boxes, honest, now)
if honest == nil then
return
end
local ____honest_10 = honest
local country = ____honest_10.country
local messages = ____honest_10.messages
local number = ____honest_10.number
if boxes.own ~= nil then
local own = addressOf(boxes.own)
own.meter = metered(
own.meter,
halfLives.address,
now,
0,
messages
)
own.countries = leave(own.countries, country, messages)
own.failed = leave(own.failed, number, 1000000)
keepAddress(boxes.own, own, now)
end
if boxes.country ~= nil then
local shared = sharedOf(boxes.country)
shared.meter = metered(
shared.meter,
halfLives.country,
now,
0,
messages
)
keepShared(boxes.country, shared, now, halfLives.country)
end
if boxes.range ~= nil then
local shared = sharedOf(boxes.range)
shared.meter = metered(
shared.meter,
halfLives.range,
now,
0,
messages
)
keepShared(boxes.range, shared, now, halfLives.range)
end
end
local function recount(boxes, args, now)
local ____passOver_result_11
if passOver(boxes) then
____passOver_result_11 = true
else
____passOver_result_11 = nil
end
local unread = ____passOver_result_11
local ____args_12 = args
local result = ____args_12.result
local taken = ____args_12.taken
local failed = result.result == "wrong" or result.result == "over" and result.failed
if failed then
return {
guesses = countFailure(boxes, args, taken, now),
unread = unread
}
end
refundAddress(boxes.own, args.address, taken, now)
if result.result == "verified" then
countHonest(boxes, args.honest, now)
end
return {unread = unread}
end
local reply = recount(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  giveBack: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    return redis.error_reply('WRONGTYPE of a record')
  end
  boxes[name] = box
end
local prune, keepUntil, pruneFlows, keepNumber, failuresKept
function prune(uses, now)
local last = 0
for name in pairs(uses) do
local window = uses[name]
if window ~= nil then
if window.ends <= now then
uses[name] = nil
elseif window.ends > last then
last = window.ends
end
end
end
return last
end
function keepUntil(box, value, ends, now)
box.value = value
box.keep = math.max(ends - now, 0)
end
function pruneFlows(record, now)
local ____record_17 = record
local flows = ____record_17.flows
if flows == nil then
return 0
end
local last = 0
for name in pairs(flows) do
local ends = flows[name]
if ends ~= nil and ends <= now then
flows[name] = nil
elseif ends ~= nil then
last = math.max(last, ends)
end
end
if last == 0 then
record.flows = nil
end
return last
end
function keepNumber(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_18 = record
local latest = ____record_18.latest
local failures = ____record_18.failures
if latest ~= nil and latest["until"] <= now then
record.latest = nil
elseif latest ~= nil then
ends = math.max(ends, latest["until"])
end
if failures ~= nil then
ends = math.max(ends, failures.last + failuresKept)
end
ends = math.max(
ends,
pruneFlows(record, now)
)
keepUntil(box, record, ends, now)
end
local function addressOf(box)
return box and box.value or ({uses = {}})
end
local function uncount(uses, limits, now)
for ____, ____value in ipairs(limits) do
local name = ____value.name
local cost = ____value.cost
local idle = ____value.idle
local window = uses[name]
if window ~= nil and window.ends > now and idle == nil then
window.n = window.n - (cost or 1)
if window.n <= 0 then
uses[name] = nil
end
end
end
end
local function faded(meter, halfLife, now)
if meter == nil then
return {sent = 0, verified = 0, at = now}
end
local weight = 2 ^ (-math.max(now - meter.at, 0) / (halfLife * 1000))
return {sent = meter.sent * weight, verified = meter.verified * weight, at = now}
end
local function metered(meter, halfLife, now, sent, verified)
local next = faded(meter, halfLife, now)
next.sent = math.max(next.sent + sent, 0)
next.verified = math.max(next.verified + verified, 0)
local ____temp_2
if next.sent + next.verified < 0.001 then
____temp_2 = nil
else
____temp_2 = next
end
return ____temp_2
end
local halfLives = {address = 43200, country = 43200, range = 3600}
local function sizeOf(members)
local size = 0
for name in pairs(members.of) do
if members.of[name] ~= nil then
size = size + 1
end
end
return size
end
local function leave(members, name, uses)
if members == nil then
return nil
end
local left = (members.of[name] or 0) - uses
members.of[name] = left > 0 and left or nil
local ____temp_3
if sizeOf(members) == 0 then
____temp_3 = nil
else
____temp_3 = members
end
return ____temp_3
end
local function windowOf(uses, name, duration, now)
local window = uses[name]
if window == nil or window.ends <= now then
return {n = 0, ends = now + duration * 1000}
end
if window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
end
return window
end
local function count(uses, limits, now, counts)
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local cost = ____value.cost
local idle = ____value.idle
local ____windowOf_result_4 = windowOf(uses, name, duration, now)
local n = ____windowOf_result_4.n
local ends = ____windowOf_result_4.ends
if idle == nil then
uses[name] = {n = n + (cost or 1), ends = ends}
end
counts[name] = {used = n + (cost or 1), wait = ends - now}
end
end
local meterKept = 4
local function keepAddress(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_5 = record
local meter = ____record_5.meter
local countries = ____record_5.countries
local failed = ____record_5.failed
if meter ~= nil then
ends = math.max(ends, meter.at + halfLives.address * meterKept * 1000)
end
if countries ~= nil then
ends = math.max(ends, countries.ends)
end
if failed ~= nil then
ends = math.max(ends, failed.ends)
end
keepUntil(box, record, ends, now)
end
local function sharedOf(box)
return box and box.value or ({uses = {}})
end
local function keepShared(box, record, now, halfLife)
if box == nil then
return
end
local ____record_8 = record
local meter = ____record_8.meter
local ends = prune(record.uses, now)
local faded = meter == nil and 0 or meter.at + halfLife * meterKept * 1000
keepUntil(
box,
record,
math.max(ends, faded),
now
)
end
local function numberOf(box)
return box and box.value or ({uses = {}})
end
local function renew(uses, limits, now)
local renewed = false
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local window = uses[name]
if window ~= nil and window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
renewed = true
end
end
return renewed
end
local function failuresOf(number, now)
local ____number_11 = number
local failures = ____number_11.failures
if failures ~= nil and failures.last > now then
failures.wait = math.max((failures.wait or 0) - failures.last + now, 0)
failures.last = now
end
return failures
end
local function setTryRight(boxes, address, browserLimit, now)
if address ~= nil then
local own = addressOf(boxes.own)
local failed = own.failed
local moved = renew(own.uses, {address.failures}, now)
local ends = now + address.numbers.duration * 1000
if failed ~= nil and failed.ends > ends then
failed.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
end
local number = numberOf(boxes.number)
local ahead = number.failures ~= nil and number.failures.last > now
if ahead then
failuresOf(number, now)
end
local moved = ahead
if browserLimit ~= nil and renew(number.uses, {browserLimit}, now) then
moved = true
end
if moved then
keepNumber(boxes.number, number, now)
end
end
local function failures(boxes, _args, now)
setTryRight(boxes, nil, nil, now)
local ____temp_12
if boxes.number == nil then
____temp_12 = nil
else
____temp_12 = failuresOf(
numberOf(boxes.number),
now
)
end
local failed = ____temp_12
local wait = math.max(
0,
math.ceil(((failed and failed.wait or 0) - now) / 1000)
)
return {total = failed and failed.total or 0, wait = wait}
end
failuresKept = 365 * 86400000
local function giveBack(boxes, given, now)
local ____given_19 = given
local address = ____given_19.address
local shared = ____given_19.shared
local number = ____given_19.number
local waited = ____given_19.waited
if address ~= nil then
local own = addressOf(boxes.own)
uncount(own.uses, address.own, now)
own.meter = metered(
own.meter,
halfLives.address,
now,
-1,
0
)
own.countries = leave(own.countries, address.country, 1)
if waited == true then
count(own.uses, {address.waits}, now, {})
end
keepAddress(boxes.own, own, now)
if #address.site > 0 then
local site = addressOf(boxes.site)
uncount(site.uses, address.site, now)
keepAddress(boxes.site, site, now)
end
end
if shared ~= nil then
local app = sharedOf(boxes.app)
uncount(app.uses, shared.app, now)
keepShared(boxes.app, app, now, 0)
local country = sharedOf(boxes.country)
uncount(country.uses, shared.ofCountry, now)
if not shared.decoy then
country.meter = metered(
country.meter,
halfLives.country,
now,
-1,
0
)
end
keepShared(boxes.country, country, now, halfLives.country)
if address ~= nil then
local range = sharedOf(boxes.range)
range.meter = metered(
range.meter,
halfLives.range,
now,
-1,
0
)
keepShared(boxes.range, range, now, halfLives.range)
end
end
if number ~= nil then
local record = numberOf(boxes.number)
uncount(record.uses, number, now)
keepNumber(boxes.number, record, now)
end
return {done = true}
end
local reply = giveBack(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  look: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    return redis.error_reply('WRONGTYPE of a record')
  end
  boxes[name] = box
end
local function addressOf(box)
return box and box.value or ({uses = {}})
end
local function windowOf(uses, name, duration, now)
local window = uses[name]
if window == nil or window.ends <= now then
return {n = 0, ends = now + duration * 1000}
end
if window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
end
return window
end
local function count(uses, limits, now, counts)
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local cost = ____value.cost
local idle = ____value.idle
local ____windowOf_result_2 = windowOf(uses, name, duration, now)
local n = ____windowOf_result_2.n
local ends = ____windowOf_result_2.ends
if idle == nil then
uses[name] = {n = n + (cost or 1), ends = ends}
end
counts[name] = {used = n + (cost or 1), wait = ends - now}
end
end
local function prune(uses, now)
local last = 0
for name in pairs(uses) do
local window = uses[name]
if window ~= nil then
if window.ends <= now then
uses[name] = nil
elseif window.ends > last then
last = window.ends
end
end
end
return last
end
local halfLives = {address = 43200, country = 43200, range = 3600}
local meterKept = 4
local function keepUntil(box, value, ends, now)
box.value = value
box.keep = math.max(ends - now, 0)
end
local function keepAddress(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_3 = record
local meter = ____record_3.meter
local countries = ____record_3.countries
local failed = ____record_3.failed
if meter ~= nil then
ends = math.max(ends, meter.at + halfLives.address * meterKept * 1000)
end
if countries ~= nil then
ends = math.max(ends, countries.ends)
end
if failed ~= nil then
ends = math.max(ends, failed.ends)
end
keepUntil(box, record, ends, now)
end
local function countWaits(boxes, waits, now)
if boxes.own == nil then
return
end
local own = addressOf(boxes.own)
count(own.uses, {waits}, now, {})
keepAddress(boxes.own, own, now)
end
local function countWait(boxes, ____bindingPattern0, now)
local address
address = ____bindingPattern0.address
if address ~= nil then
countWaits(boxes, address.waits, now)
end
end
local function takeUses(uses, older, now)
for name in pairs(older) do
local window = older[name]
local ____temp_7 = window ~= nil and window.ends > now
if ____temp_7 then
local ____window_n_6 = window.n
local ____opt_4 = uses[name]
____temp_7 = ____window_n_6 > (____opt_4 and ____opt_4.n or 0)
end
if ____temp_7 then
uses[name] = {n = window.n, ends = window.ends}
end
end
end
local function faded(meter, halfLife, now)
if meter == nil then
return {sent = 0, verified = 0, at = now}
end
local weight = 2 ^ (-math.max(now - meter.at, 0) / (halfLife * 1000))
return {sent = meter.sent * weight, verified = meter.verified * weight, at = now}
end
local function largerMeter(meter, older, halfLife, now)
if meter == nil or older == nil then
return meter or older
end
local own = faded(meter, halfLife, now)
local other = faded(older, halfLife, now)
return other.sent - other.verified > own.sent - own.verified and older or meter
end
local function union(members, older, now)
if older == nil or older.ends <= now then
return members
end
if members == nil or members.ends <= now then
return older
end
for name in pairs(older.of) do
members.of[name] = math.max(members.of[name] or 0, older.of[name] or 0)
end
return members
end
local function sharedOf(box)
return box and box.value or ({uses = {}})
end
local function numberOf(box)
return box and box.value or ({uses = {}})
end
local function renew(uses, limits, now)
local renewed = false
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local window = uses[name]
if window ~= nil and window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
renewed = true
end
end
return renewed
end
local function failuresOf(number, now)
local ____number_12 = number
local failures = ____number_12.failures
if failures ~= nil and failures.last > now then
failures.wait = math.max((failures.wait or 0) - failures.last + now, 0)
failures.last = now
end
return failures
end
local failuresKept = 365 * 86400000
local function pruneFlows(record, now)
local ____record_13 = record
local flows = ____record_13.flows
if flows == nil then
return 0
end
local last = 0
for name in pairs(flows) do
local ends = flows[name]
if ends ~= nil and ends <= now then
flows[name] = nil
elseif ends ~= nil then
last = math.max(last, ends)
end
end
if last == 0 then
record.flows = nil
end
return last
end
local function keepNumber(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_14 = record
local latest = ____record_14.latest
local failures = ____record_14.failures
if latest ~= nil and latest["until"] <= now then
record.latest = nil
elseif latest ~= nil then
ends = math.max(ends, latest["until"])
end
if failures ~= nil then
ends = math.max(ends, failures.last + failuresKept)
end
ends = math.max(
ends,
pruneFlows(record, now)
)
keepUntil(box, record, ends, now)
end
local function setTryRight(boxes, address, browserLimit, now)
if address ~= nil then
local own = addressOf(boxes.own)
local failed = own.failed
local moved = renew(own.uses, {address.failures}, now)
local ends = now + address.numbers.duration * 1000
if failed ~= nil and failed.ends > ends then
failed.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
end
local number = numberOf(boxes.number)
local ahead = number.failures ~= nil and number.failures.last > now
if ahead then
failuresOf(number, now)
end
local moved = ahead
if browserLimit ~= nil and renew(number.uses, {browserLimit}, now) then
moved = true
end
if moved then
keepNumber(boxes.number, number, now)
end
end
local function failures(boxes, _args, now)
setTryRight(boxes, nil, nil, now)
local ____temp_15
if boxes.number == nil then
____temp_15 = nil
else
____temp_15 = failuresOf(
numberOf(boxes.number),
now
)
end
local failed = ____temp_15
local wait = math.max(
0,
math.ceil(((failed and failed.wait or 0) - now) / 1000)
)
return {total = failed and failed.total or 0, wait = wait}
end
local function carry(failures, origin, older, now)
local next = failures or ({total = 0, last = older.last})
local carried = next.carried or ({})
next.total = next.total + math.max(older.total - (carried[origin] or 0), 0)
carried[origin] = older.total
next.carried = carried
if (older.wait or 0) > now then
next.wait = math.max(next.wait or 0, older.wait or 0)
end
return next
end
local function takeNumber(box, tag, older, now)
if box == nil then
return
end
local record = numberOf(box)
takeUses(record.uses, older.uses, now)
local ____older_20 = older
local latest = ____older_20.latest
local failures = ____older_20.failures
local ____temp_24 = latest ~= nil
if ____temp_24 then
local ____latest_until_23 = latest["until"]
local ____opt_21 = record.latest
____temp_24 = ____latest_until_23 > (____opt_21 and ____opt_21["until"] or now)
end
if ____temp_24 then
record.latest = latest
end
if failures ~= nil and failures.total > 0 then
record.failures = carry(record.failures, tag, failures, now)
end
box.value = record
end
local function takeEach(boxes, older, now)
local ____older_25 = older
local tag = ____older_25.tag
local own = ____older_25.own
local site = ____older_25.site
local number = ____older_25.number
local range = ____older_25.range
if own ~= nil and boxes.own ~= nil then
local record = addressOf(boxes.own)
takeUses(record.uses, own.uses, now)
record.meter = largerMeter(record.meter, own.meter, halfLives.address, now)
record.countries = union(record.countries, own.countries, now)
record.failed = union(record.failed, own.failed, now)
boxes.own.value = record
end
if site ~= nil and boxes.site ~= nil then
local record = addressOf(boxes.site)
takeUses(record.uses, site.uses, now)
boxes.site.value = record
end
if range ~= nil and boxes.range ~= nil then
local record = sharedOf(boxes.range)
record.meter = largerMeter(record.meter, range.meter, halfLives.range, now)
boxes.range.value = record
end
if number ~= nil then
takeNumber(boxes.number, tag, number, now)
end
end
local function takeOver(boxes, older, now)
for ____, each in ipairs(older or ({})) do
takeEach(boxes, each, now)
end
end
local function keepShared(box, record, now, halfLife)
if box == nil then
return
end
local ____record_26 = record
local meter = ____record_26.meter
local ends = prune(record.uses, now)
local faded = meter == nil and 0 or meter.at + halfLife * meterKept * 1000
keepUntil(
box,
record,
math.max(ends, faded),
now
)
end
local function setMessageRight(boxes, ____bindingPattern0, cooldown, now)
local number
local shared
local address
address = ____bindingPattern0.address
shared = ____bindingPattern0.shared
number = ____bindingPattern0.number
if address ~= nil then
local own = addressOf(boxes.own)
local countries = own.countries
local moved = renew(own.uses, address.own, now)
if renew(own.uses, {address.waits}, now) then
moved = true
end
local ends = now + address.countries.duration * 1000
if countries ~= nil and countries.ends > ends then
countries.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
local site = addressOf(boxes.site)
if renew(site.uses, address.site, now) then
keepAddress(boxes.site, site, now)
end
end
if shared ~= nil then
local app = sharedOf(boxes.app)
if renew(app.uses, shared.app, now) then
keepShared(boxes.app, app, now, 0)
end
local country = sharedOf(boxes.country)
if renew(country.uses, shared.ofCountry, now) then
keepShared(boxes.country, country, now, halfLives.country)
end
end
local record = numberOf(boxes.number)
local latest = record.latest
local waits = false
if number ~= nil then
if renew(record.uses, number.always, now) then
waits = true
end
if renew(record.uses, number.limits, now) then
waits = true
end
if renew(record.uses, number.own, now) then
waits = true
end
end
if latest ~= nil and cooldown ~= nil and latest["until"] > now + cooldown * 1000 then
latest["until"] = now + cooldown * 1000
waits = true
end
if waits then
keepNumber(boxes.number, record, now)
end
end
local function longer(one, other)
if one == nil or other == nil then
return one or other
end
return other.wait > one.wait and other or one
end
local function refusalOf(uses, limits, now)
local refused
for ____, ____value in ipairs(limits) do
local name = ____value.name
local points = ____value.points
local duration = ____value.duration
local cost = ____value.cost
local ____windowOf_result_27 = windowOf(uses or ({}), name, duration, now)
local n = ____windowOf_result_27.n
local ends = ____windowOf_result_27.ends
local used = n + (cost or 1)
if used > points then
refused = longer(refused, {limit = name, used = used, wait = ends - now})
end
end
return refused
end
local function deny(by, ____bindingPattern0)
local wait
local used
local limit
limit = ____bindingPattern0.limit
used = ____bindingPattern0.used
wait = ____bindingPattern0.wait
return {
status = "limited",
by = by,
limit = limit,
used = used,
wait = wait
}
end
local function refuseFlood(boxes, parts, cooldown, now)
takeOver(boxes, parts.older, now)
setMessageRight(boxes, parts, cooldown, now)
local ____parts_28 = parts
local address = ____parts_28.address
if address == nil then
return nil
end
local ____refusalOf_33 = refusalOf
local ____opt_31 = boxes.own
local ____opt_29 = ____opt_31 and ____opt_31.value
local refused = ____refusalOf_33(____opt_29 and ____opt_29.uses, {address.waits}, now)
local ____temp_34
if refused == nil then
____temp_34 = nil
else
____temp_34 = deny("own", refused)
end
return ____temp_34
end
local function refusedNumber(uses, ____bindingPattern0, now)
local own
local limits
limits = ____bindingPattern0.limits
own = ____bindingPattern0.own
local refused = refusalOf(uses, limits, now)
if refused == nil or #own == 0 then
return refused
end
local ofOwn = refusalOf(uses, own, now)
local ____temp_35
if ofOwn == nil or ofOwn.wait < refused.wait then
____temp_35 = ofOwn
else
____temp_35 = refused
end
return ____temp_35
end
local function denied(boxes, parts, now)
local ____parts_36 = parts
local address = ____parts_36.address
local shared = ____parts_36.shared
local number = ____parts_36.number
if address ~= nil then
local own = refusalOf(
addressOf(boxes.own).uses,
address.own,
now
)
local site = refusalOf(
addressOf(boxes.site).uses,
address.site,
now
)
local refused = longer(own, site)
if refused ~= nil then
return deny(refused == own and "own" or "site", refused)
end
end
if shared ~= nil then
local refused = longer(
refusalOf(
sharedOf(boxes.app).uses,
shared.app,
now
),
refusalOf(
sharedOf(boxes.country).uses,
shared.ofCountry,
now
)
)
if refused ~= nil then
return deny("shared", refused)
end
end
if number ~= nil then
local ____numberOf_result_37 = numberOf(boxes.number)
local uses = ____numberOf_result_37.uses
local refused = longer(
refusalOf(uses, number.always, now),
refusedNumber(uses, number, now)
)
if refused ~= nil then
return deny("number", refused)
end
end
return nil
end
local function orNone(odd)
return #odd > 0 and odd or nil
end
local function suspect(odd, by, meter, ____bindingPattern0, now)
local enforced
local share
local free
free = ____bindingPattern0.free
share = ____bindingPattern0.share
enforced = ____bindingPattern0.enforced
local ____faded_result_38 = faded(meter, halfLives[by], now)
local sent = ____faded_result_38.sent
local verified = ____faded_result_38.verified
local unverified = sent + 1 - verified
if unverified > free + share * verified then
odd[#odd + 1] = {by = by, unverified = unverified, verified = verified, enforced = enforced}
end
end
local function membersOf(members, duration, now)
if members == nil or members.ends <= now then
return {of = {}, ends = now + duration * 1000}
end
if members.ends > now + duration * 1000 then
members.ends = now + duration * 1000
end
return members
end
local function sizeOf(members)
local size = 0
for name in pairs(members.of) do
if members.of[name] ~= nil then
size = size + 1
end
end
return size
end
local function oddOf(boxes, parts, now)
local odd = {}
local ____parts_39 = parts
local address = ____parts_39.address
local shared = ____parts_39.shared
if shared ~= nil then
suspect(
odd,
"country",
sharedOf(boxes.country).meter,
shared.country,
now
)
end
if address ~= nil then
suspect(
odd,
"address",
addressOf(boxes.own).meter,
address.meter,
now
)
end
if shared ~= nil then
suspect(
odd,
"range",
sharedOf(boxes.range).meter,
shared.range,
now
)
end
if address ~= nil then
local ____address_countries_40 = address.countries
local points = ____address_countries_40.points
local duration = ____address_countries_40.duration
local enforced = ____address_countries_40.enforced
local members = membersOf(
addressOf(boxes.own).countries,
duration,
now
)
local size = sizeOf(members)
if size >= points and members.of[address.country] == nil then
local wait = members.ends - now
odd[#odd + 1] = {
by = "countries",
unverified = size + 1,
verified = 0,
enforced = enforced,
wait = wait
}
end
end
return odd
end
local function look(boxes, ____bindingPattern0, now)
local byApp
local parts
parts = ____bindingPattern0.parts
byApp = ____bindingPattern0.refused
if byApp == true then
countWait(boxes, parts, now)
return {status = "looked"}
end
local ____parts_41 = parts
local address = ____parts_41.address
local refused = refuseFlood(boxes, parts, nil, now) or denied(boxes, {address = address}, now)
return refused or ({
status = "looked",
odd = orNone(oddOf(boxes, parts, now))
})
end
local reply = look(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  complete: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    return redis.error_reply('WRONGTYPE of a record')
  end
  boxes[name] = box
end
local skew = 10000
local function flowOf(box, now)
local flow = box and box.value
if flow == nil or flow.created > now + skew or flow.kept <= now then
return nil
end
return flow
end
local leastKept = 1000
local function keepFlow(box, flow, now)
box.value = flow
box.keep = math.max(flow.kept - now, 1)
end
local function complete(boxes, args, now)
local flow = flowOf(boxes.flow, now)
local signIn = flow and flow.signIn
if flow == nil or signIn == nil or boxes.flow == nil or flow.by ~= args.attempt or signIn.opener ~= args.opener then
return {done = false}
end
if flow.state == "completed" and signIn.lease == 0 then
return {done = true}
end
flow.state = "completed"
flow["end"] = "used"
flow.reference = ""
flow.otp = nil
signIn.lease = 0
signIn.session = args.session
signIn.refusal = args.refusal
if signIn.repeats == nil then
signIn["until"] = now + args.window * 1000
end
flow.kept = math.max(signIn["until"], now + leastKept)
keepFlow(boxes.flow, flow, now)
return {done = true}
end
local reply = complete(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  release: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    return redis.error_reply('WRONGTYPE of a record')
  end
  boxes[name] = box
end
local skew = 10000
local function flowOf(box, now)
local flow = box and box.value
if flow == nil or flow.created > now + skew or flow.kept <= now then
return nil
end
return flow
end
local function keepFlow(box, flow, now)
box.value = flow
box.keep = math.max(flow.kept - now, 1)
end
local function release(boxes, ____bindingPattern0, now)
local opener
local attempt
attempt = ____bindingPattern0.attempt
opener = ____bindingPattern0.opener
local flow = flowOf(boxes.flow, now)
local signIn = flow and flow.signIn
if flow == nil or signIn == nil or boxes.flow == nil or attempt ~= nil and flow.by ~= attempt or signIn.opener ~= opener or signIn.lease == 0 then
return {done = false}
end
signIn.lease = 0
signIn.opener = nil
keepFlow(boxes.flow, flow, now)
return {done = true}
end
local reply = release(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  read: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    return redis.error_reply('WRONGTYPE of a record')
  end
  boxes[name] = box
end
local prune, keepUntil, pruneFlows, keepNumber, failuresKept
function prune(uses, now)
local last = 0
for name in pairs(uses) do
local window = uses[name]
if window ~= nil then
if window.ends <= now then
uses[name] = nil
elseif window.ends > last then
last = window.ends
end
end
end
return last
end
function keepUntil(box, value, ends, now)
box.value = value
box.keep = math.max(ends - now, 0)
end
function pruneFlows(record, now)
local ____record_16 = record
local flows = ____record_16.flows
if flows == nil then
return 0
end
local last = 0
for name in pairs(flows) do
local ends = flows[name]
if ends ~= nil and ends <= now then
flows[name] = nil
elseif ends ~= nil then
last = math.max(last, ends)
end
end
if last == 0 then
record.flows = nil
end
return last
end
function keepNumber(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_17 = record
local latest = ____record_17.latest
local failures = ____record_17.failures
if latest ~= nil and latest["until"] <= now then
record.latest = nil
elseif latest ~= nil then
ends = math.max(ends, latest["until"])
end
if failures ~= nil then
ends = math.max(ends, failures.last + failuresKept)
end
ends = math.max(
ends,
pruneFlows(record, now)
)
keepUntil(box, record, ends, now)
end
local skew = 10000
local function flowOf(box, now)
local flow = box and box.value
if flow == nil or flow.created > now + skew or flow.kept <= now then
return nil
end
return flow
end
local longestLease = 35000
local function leaseOf(lease, now)
if lease == nil or lease > now + longestLease + skew then
return 0
end
return lease
end
local function takeTurn(flow, every, now)
local last = flow.askedAt
if last ~= nil and last <= now and now - last < every * 1000 then
return false
end
flow.askedAt = now
return true
end
local function canBeLookedUp(flow)
return flow.code == nil
end
local lookupLease = 4
local function takeLookup(flow, every, now)
if not takeTurn(flow, every, now) then
return false
end
flow.state = "unconfirmed"
flow.lease = now + lookupLease * 1000
return true
end
local function keepFlow(box, flow, now)
box.value = flow
box.keep = math.max(flow.kept - now, 1)
end
local function viewOf(flow, now)
return {
state = flow.state,
["end"] = flow["end"],
reference = flow.reference,
number = flow.number,
otp = flow.otp,
via = flow.via,
country = flow.country,
purpose = flow.purpose,
language = flow.language,
expiresIn = (flow.expires - now) / 1000,
sentAgo = (now - flow.sent) / 1000,
resends = flow.resends or 0,
attempts = flow.attempts or 0,
counted = flow.counted or 0,
delivery = flow.delivery or "unknown"
}
end
local function addressOf(box)
return box and box.value or ({uses = {}})
end
local function renew(uses, limits, now)
local renewed = false
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local window = uses[name]
if window ~= nil and window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
renewed = true
end
end
return renewed
end
local halfLives = {address = 43200, country = 43200, range = 3600}
local meterKept = 4
local function keepAddress(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_4 = record
local meter = ____record_4.meter
local countries = ____record_4.countries
local failed = ____record_4.failed
if meter ~= nil then
ends = math.max(ends, meter.at + halfLives.address * meterKept * 1000)
end
if countries ~= nil then
ends = math.max(ends, countries.ends)
end
if failed ~= nil then
ends = math.max(ends, failed.ends)
end
keepUntil(box, record, ends, now)
end
local function sharedOf(box)
return box and box.value or ({uses = {}})
end
local function faded(meter, halfLife, now)
if meter == nil then
return {sent = 0, verified = 0, at = now}
end
local weight = 2 ^ (-math.max(now - meter.at, 0) / (halfLife * 1000))
return {sent = meter.sent * weight, verified = meter.verified * weight, at = now}
end
local function keepShared(box, record, now, halfLife)
if box == nil then
return
end
local ____record_7 = record
local meter = ____record_7.meter
local ends = prune(record.uses, now)
local faded = meter == nil and 0 or meter.at + halfLife * meterKept * 1000
keepUntil(
box,
record,
math.max(ends, faded),
now
)
end
local function numberOf(box)
return box and box.value or ({uses = {}})
end
local function failuresOf(number, now)
local ____number_10 = number
local failures = ____number_10.failures
if failures ~= nil and failures.last > now then
failures.wait = math.max((failures.wait or 0) - failures.last + now, 0)
failures.last = now
end
return failures
end
local function setTryRight(boxes, address, browserLimit, now)
if address ~= nil then
local own = addressOf(boxes.own)
local failed = own.failed
local moved = renew(own.uses, {address.failures}, now)
local ends = now + address.numbers.duration * 1000
if failed ~= nil and failed.ends > ends then
failed.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
end
local number = numberOf(boxes.number)
local ahead = number.failures ~= nil and number.failures.last > now
if ahead then
failuresOf(number, now)
end
local moved = ahead
if browserLimit ~= nil and renew(number.uses, {browserLimit}, now) then
moved = true
end
if moved then
keepNumber(boxes.number, number, now)
end
end
local function failures(boxes, _args, now)
setTryRight(boxes, nil, nil, now)
local ____temp_11
if boxes.number == nil then
____temp_11 = nil
else
____temp_11 = failuresOf(
numberOf(boxes.number),
now
)
end
local failed = ____temp_11
local wait = math.max(
0,
math.ceil(((failed and failed.wait or 0) - now) / 1000)
)
return {total = failed and failed.total or 0, wait = wait}
end
failuresKept = 365 * 86400000
local function setMessageRight(boxes, ____bindingPattern0, cooldown, now)
local number
local shared
local address
address = ____bindingPattern0.address
shared = ____bindingPattern0.shared
number = ____bindingPattern0.number
if address ~= nil then
local own = addressOf(boxes.own)
local countries = own.countries
local moved = renew(own.uses, address.own, now)
if renew(own.uses, {address.waits}, now) then
moved = true
end
local ends = now + address.countries.duration * 1000
if countries ~= nil and countries.ends > ends then
countries.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
local site = addressOf(boxes.site)
if renew(site.uses, address.site, now) then
keepAddress(boxes.site, site, now)
end
end
if shared ~= nil then
local app = sharedOf(boxes.app)
if renew(app.uses, shared.app, now) then
keepShared(boxes.app, app, now, 0)
end
local country = sharedOf(boxes.country)
if renew(country.uses, shared.ofCountry, now) then
keepShared(boxes.country, country, now, halfLives.country)
end
end
local record = numberOf(boxes.number)
local latest = record.latest
local waits = false
if number ~= nil then
if renew(record.uses, number.always, now) then
waits = true
end
if renew(record.uses, number.limits, now) then
waits = true
end
if renew(record.uses, number.own, now) then
waits = true
end
end
if latest ~= nil and cooldown ~= nil and latest["until"] > now + cooldown * 1000 then
latest["until"] = now + cooldown * 1000
waits = true
end
if waits then
keepNumber(boxes.number, record, now)
end
end
local function waitOf(number, knownBrowser, longest, now)
local ____number_18 = number
local latest = ____number_18.latest
if latest == nil or latest["until"] <= now then
return 0
end
if latest["until"] > now + longest then
latest["until"] = now + longest
end
if knownBrowser and latest.reserved == true then
return 0
end
return latest["until"] - now
end
local function waitOfOthers(boxes, ____bindingPattern0, now)
local cooldown
local knownBrowser
local flow
flow = ____bindingPattern0.flow
knownBrowser = ____bindingPattern0.knownBrowser
cooldown = ____bindingPattern0.cooldown
local number = numberOf(boxes.number)
local ____opt_19 = number.latest
return (____opt_19 and ____opt_19.flow) == flow and 0 or waitOf(number, knownBrowser, cooldown * 1000, now)
end
local function windowOf(uses, name, duration, now)
local window = uses[name]
if window == nil or window.ends <= now then
return {n = 0, ends = now + duration * 1000}
end
if window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
end
return window
end
local function longer(one, other)
if one == nil or other == nil then
return one or other
end
return other.wait > one.wait and other or one
end
local function refusalOf(uses, limits, now)
local refused
for ____, ____value in ipairs(limits) do
local name = ____value.name
local points = ____value.points
local duration = ____value.duration
local cost = ____value.cost
local ____windowOf_result_21 = windowOf(uses or ({}), name, duration, now)
local n = ____windowOf_result_21.n
local ends = ____windowOf_result_21.ends
local used = n + (cost or 1)
if used > points then
refused = longer(refused, {limit = name, used = used, wait = ends - now})
end
end
return refused
end
local function deny(by, ____bindingPattern0)
local wait
local used
local limit
limit = ____bindingPattern0.limit
used = ____bindingPattern0.used
wait = ____bindingPattern0.wait
return {
status = "limited",
by = by,
limit = limit,
used = used,
wait = wait
}
end
local function refusedNumber(uses, ____bindingPattern0, now)
local own
local limits
limits = ____bindingPattern0.limits
own = ____bindingPattern0.own
local refused = refusalOf(uses, limits, now)
if refused == nil or #own == 0 then
return refused
end
local ofOwn = refusalOf(uses, own, now)
local ____temp_22
if ofOwn == nil or ofOwn.wait < refused.wait then
____temp_22 = ofOwn
else
____temp_22 = refused
end
return ____temp_22
end
local function denied(boxes, parts, now)
local ____parts_23 = parts
local address = ____parts_23.address
local shared = ____parts_23.shared
local number = ____parts_23.number
if address ~= nil then
local own = refusalOf(
addressOf(boxes.own).uses,
address.own,
now
)
local site = refusalOf(
addressOf(boxes.site).uses,
address.site,
now
)
local refused = longer(own, site)
if refused ~= nil then
return deny(refused == own and "own" or "site", refused)
end
end
if shared ~= nil then
local refused = longer(
refusalOf(
sharedOf(boxes.app).uses,
shared.app,
now
),
refusalOf(
sharedOf(boxes.country).uses,
shared.ofCountry,
now
)
)
if refused ~= nil then
return deny("shared", refused)
end
end
if number ~= nil then
local ____numberOf_result_24 = numberOf(boxes.number)
local uses = ____numberOf_result_24.uses
local refused = longer(
refusalOf(uses, number.always, now),
refusedNumber(uses, number, now)
)
if refused ~= nil then
return deny("number", refused)
end
end
return nil
end
local function nextAfter(boxes, next, now)
local others = waitOfOthers(boxes, next, now)
local refused = denied(boxes, {number = next.number}, now)
local left = refused == nil and others or math.max(others, refused.wait)
return left > 0 and left / 1000 or nil
end
local function read(boxes, ____bindingPattern0, now)
local next
local every
every = ____bindingPattern0.every
next = ____bindingPattern0.next
local flow = flowOf(boxes.flow, now)
if flow == nil or boxes.flow == nil then
return {deliveryDue = false, lookupDue = false, busy = false}
end
local state = flow.state
local delivery = flow.delivery
local expires = flow.expires
local sending = state == "sending" or state == "unconfirmed"
local busy = sending and leaseOf(flow.lease, now) > now
local told = delivery == "delivered" or delivery == "failed"
local deliveryDue = false
local lookupDue = false
if every ~= nil and expires > now then
if state == "pending" and not told then
deliveryDue = takeTurn(flow, every, now)
end
if state == "unconfirmed" and not busy and canBeLookedUp(flow) then
lookupDue = takeLookup(flow, every, now)
end
if deliveryDue or lookupDue then
keepFlow(boxes.flow, flow, now)
end
end
local record = viewOf(flow, now)
if next ~= nil then
setMessageRight(boxes, {number = next.number}, next.cooldown, now)
record.nextAfter = nextAfter(boxes, next, now)
end
return {record = record, deliveryDue = deliveryDue, lookupDue = lookupDue, busy = busy}
end
local reply = read(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  deliver: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    return redis.error_reply('WRONGTYPE of a record')
  end
  boxes[name] = box
end
local skew = 10000
local function flowOf(box, now)
local flow = box and box.value
if flow == nil or flow.created > now + skew or flow.kept <= now then
return nil
end
return flow
end
local function keepFlow(box, flow, now)
box.value = flow
box.keep = math.max(flow.kept - now, 1)
end
local function deliver(boxes, ____bindingPattern0, now)
local fallback
local resends
local reference
local delivery
delivery = ____bindingPattern0.delivery
reference = ____bindingPattern0.reference
resends = ____bindingPattern0.resends
fallback = ____bindingPattern0.fallback
local flow = flowOf(boxes.flow, now)
if flow == nil or boxes.flow == nil or flow.state ~= "pending" or flow.reference ~= reference or (flow.resends or 0) ~= resends then
return {news = false, falls = false}
end
local news = flow.delivery ~= delivery
local falls = fallback and delivery == "failed" and flow.fell == nil
flow.delivery = delivery
if falls then
flow.fell = true
end
keepFlow(boxes.flow, flow, now)
return {news = news, falls = falls}
end
local reply = deliver(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  endFlow: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    return redis.error_reply('WRONGTYPE of a record')
  end
  boxes[name] = box
end
local skew = 10000
local function flowOf(box, now)
local flow = box and box.value
if flow == nil or flow.created > now + skew or flow.kept <= now then
return nil
end
return flow
end
local function refusalOfFlow(flow, now)
if flow == nil or flow.state == "completed" then
return "none"
end
if flow.state == "dead" then
return (flow["end"] == "expired" or flow["end"] == "attempts") and flow["end"] or "none"
end
return flow.state ~= "verified" and flow.expires <= now and "expired" or nil
end
local function viewOf(flow, now)
return {
state = flow.state,
["end"] = flow["end"],
reference = flow.reference,
number = flow.number,
otp = flow.otp,
via = flow.via,
country = flow.country,
purpose = flow.purpose,
language = flow.language,
expiresIn = (flow.expires - now) / 1000,
sentAgo = (now - flow.sent) / 1000,
resends = flow.resends or 0,
attempts = flow.attempts or 0,
counted = flow.counted or 0,
delivery = flow.delivery or "unknown"
}
end
local longestLease = 35000
local function leaseOf(lease, now)
if lease == nil or lease > now + longestLease + skew then
return 0
end
return lease
end
local function keepFlow(box, flow, now)
box.value = flow
box.keep = math.max(flow.kept - now, 1)
end
local function drop(box)
box.value = nil
box.keep = 0
end
local endedKept = 600000
local function finish(box, flow, ____end, now)
local asking = leaseOf(flow.lease, now)
if asking <= now then
flow.reference = ""
flow.resend = nil
flow.lease = nil
end
flow.state = "dead"
flow["end"] = ____end
flow.otp = nil
flow.code = nil
flow.before = nil
flow.tried = nil
flow.signIn = nil
flow.delivery = nil
flow.askedAt = nil
if ____end == "cancelled" or ____end == "replaced" then
flow.number = ""
flow.kept = asking
if asking > now then
keepFlow(box, flow, now)
else
drop(box)
end
return
end
if ____end == "used" then
flow.number = ""
flow.kept = math.min(flow.kept, now + 60000)
else
flow.kept = now + endedKept
end
keepFlow(box, flow, now)
end
local function endFlow(boxes, ____bindingPattern0, now)
local ____end
____end = ____bindingPattern0["end"]
local flow = flowOf(boxes.flow, now)
if flow == nil or boxes.flow == nil then
return {}
end
local over = refusalOfFlow(flow, now) ~= nil
local ____over_2
if over then
____over_2 = nil
else
____over_2 = viewOf(flow, now)
end
local record = ____over_2
if over and ____end ~= "cancelled" and ____end ~= "replaced" then
return {}
end
finish(boxes.flow, flow, ____end, now)
return {record = record}
end
local reply = endFlow(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  peek: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    return redis.error_reply('WRONGTYPE of a record')
  end
  boxes[name] = box
end
local function peek(boxes, _args)
local ____opt_0 = boxes.own
local ____temp_8 = ____opt_0 and ____opt_0.value
local ____opt_2 = boxes.site
local ____temp_9 = ____opt_2 and ____opt_2.value
local ____opt_4 = boxes.range
local ____temp_10 = ____opt_4 and ____opt_4.value
local ____opt_6 = boxes.number
return {own = ____temp_8, site = ____temp_9, range = ____temp_10, number = ____opt_6 and ____opt_6.value}
end
local reply = peek(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  unlock: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = false}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    return redis.error_reply('WRONGTYPE of a record')
  end
  boxes[name] = box
end
local prune, keepUntil, pruneFlows, keepNumber, failuresKept
function prune(uses, now)
local last = 0
for name in pairs(uses) do
local window = uses[name]
if window ~= nil then
if window.ends <= now then
uses[name] = nil
elseif window.ends > last then
last = window.ends
end
end
end
return last
end
function keepUntil(box, value, ends, now)
box.value = value
box.keep = math.max(ends - now, 0)
end
function pruneFlows(record, now)
local ____record_11 = record
local flows = ____record_11.flows
if flows == nil then
return 0
end
local last = 0
for name in pairs(flows) do
local ends = flows[name]
if ends ~= nil and ends <= now then
flows[name] = nil
elseif ends ~= nil then
last = math.max(last, ends)
end
end
if last == 0 then
record.flows = nil
end
return last
end
function keepNumber(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_12 = record
local latest = ____record_12.latest
local failures = ____record_12.failures
if latest ~= nil and latest["until"] <= now then
record.latest = nil
elseif latest ~= nil then
ends = math.max(ends, latest["until"])
end
if failures ~= nil then
ends = math.max(ends, failures.last + failuresKept)
end
ends = math.max(
ends,
pruneFlows(record, now)
)
keepUntil(box, record, ends, now)
end
local function numberOf(box)
return box and box.value or ({uses = {}})
end
local function addressOf(box)
return box and box.value or ({uses = {}})
end
local function renew(uses, limits, now)
local renewed = false
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local window = uses[name]
if window ~= nil and window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
renewed = true
end
end
return renewed
end
local halfLives = {address = 43200, country = 43200, range = 3600}
local meterKept = 4
local function keepAddress(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_4 = record
local meter = ____record_4.meter
local countries = ____record_4.countries
local failed = ____record_4.failed
if meter ~= nil then
ends = math.max(ends, meter.at + halfLives.address * meterKept * 1000)
end
if countries ~= nil then
ends = math.max(ends, countries.ends)
end
if failed ~= nil then
ends = math.max(ends, failed.ends)
end
keepUntil(box, record, ends, now)
end
local function failuresOf(number, now)
local ____number_5 = number
local failures = ____number_5.failures
if failures ~= nil and failures.last > now then
failures.wait = math.max((failures.wait or 0) - failures.last + now, 0)
failures.last = now
end
return failures
end
local function setTryRight(boxes, address, browserLimit, now)
if address ~= nil then
local own = addressOf(boxes.own)
local failed = own.failed
local moved = renew(own.uses, {address.failures}, now)
local ends = now + address.numbers.duration * 1000
if failed ~= nil and failed.ends > ends then
failed.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
end
local number = numberOf(boxes.number)
local ahead = number.failures ~= nil and number.failures.last > now
if ahead then
failuresOf(number, now)
end
local moved = ahead
if browserLimit ~= nil and renew(number.uses, {browserLimit}, now) then
moved = true
end
if moved then
keepNumber(boxes.number, number, now)
end
end
local function failures(boxes, _args, now)
setTryRight(boxes, nil, nil, now)
local ____temp_6
if boxes.number == nil then
____temp_6 = nil
else
____temp_6 = failuresOf(
numberOf(boxes.number),
now
)
end
local failed = ____temp_6
local wait = math.max(
0,
math.ceil(((failed and failed.wait or 0) - now) / 1000)
)
return {total = failed and failed.total or 0, wait = wait}
end
failuresKept = 365 * 86400000
local function forget(box, ____bindingPattern0, now)
local browserLimit
local flow
flow = ____bindingPattern0.flow
browserLimit = ____bindingPattern0.browserLimit
local number = numberOf(box)
number.failures = nil
if browserLimit ~= nil then
number.uses[browserLimit.name] = nil
end
local ____opt_13 = number.latest
if (____opt_13 and ____opt_13.flow) == flow then
number.latest = nil
end
keepNumber(box, number, now)
end
local function unlock(boxes, ____bindingPattern0, now)
local forget
local all
all = ____bindingPattern0.all
forget = ____bindingPattern0.forget
if boxes.number == nil then
return {done = false}
end
if forget == true then
boxes.number.value = nil
boxes.number.keep = 0
return {done = true}
end
local number = numberOf(boxes.number)
number.failures = nil
if all then
number.uses = {}
number.latest = nil
end
keepNumber(boxes.number, number, now)
return {done = true}
end
local reply = unlock(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
  failures: `local input = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('MGET', unpack(KEYS))
local boxes = {}
local limits = {own = true, site = true, app = true, country = true, range = true, number = true}
for i, name in ipairs(input.names) do
  local box = {}
  if found[i] then
    -- What is not ours to read says nothing.
    local ok, value = pcall(cmsgpack.unpack, found[i])
    local isRecord = ok and type(value) == 'table'
    if isRecord and (not limits[name] or type(value.uses) == 'table') then box.value = value end
  end
  -- A limit that can't be read refuses, until it ends or is unlocked; a flow that can't be read is over.
  if not box.value and limits[name] and redis.call('EXISTS', KEYS[i]) == 1 then
    return redis.error_reply('WRONGTYPE of a record')
  end
  boxes[name] = box
end
local function addressOf(box)
return box and box.value or ({uses = {}})
end
local function renew(uses, limits, now)
local renewed = false
for ____, ____value in ipairs(limits) do
local name = ____value.name
local duration = ____value.duration
local window = uses[name]
if window ~= nil and window.ends > now + duration * 1000 then
window.ends = now + duration * 1000
renewed = true
end
end
return renewed
end
local function prune(uses, now)
local last = 0
for name in pairs(uses) do
local window = uses[name]
if window ~= nil then
if window.ends <= now then
uses[name] = nil
elseif window.ends > last then
last = window.ends
end
end
end
return last
end
local halfLives = {address = 43200, country = 43200, range = 3600}
local meterKept = 4
local function keepUntil(box, value, ends, now)
box.value = value
box.keep = math.max(ends - now, 0)
end
local function keepAddress(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_2 = record
local meter = ____record_2.meter
local countries = ____record_2.countries
local failed = ____record_2.failed
if meter ~= nil then
ends = math.max(ends, meter.at + halfLives.address * meterKept * 1000)
end
if countries ~= nil then
ends = math.max(ends, countries.ends)
end
if failed ~= nil then
ends = math.max(ends, failed.ends)
end
keepUntil(box, record, ends, now)
end
local function numberOf(box)
return box and box.value or ({uses = {}})
end
local function failuresOf(number, now)
local ____number_5 = number
local failures = ____number_5.failures
if failures ~= nil and failures.last > now then
failures.wait = math.max((failures.wait or 0) - failures.last + now, 0)
failures.last = now
end
return failures
end
local failuresKept = 365 * 86400000
local function pruneFlows(record, now)
local ____record_6 = record
local flows = ____record_6.flows
if flows == nil then
return 0
end
local last = 0
for name in pairs(flows) do
local ends = flows[name]
if ends ~= nil and ends <= now then
flows[name] = nil
elseif ends ~= nil then
last = math.max(last, ends)
end
end
if last == 0 then
record.flows = nil
end
return last
end
local function keepNumber(box, record, now)
if box == nil then
return
end
local ends = prune(record.uses, now)
local ____record_7 = record
local latest = ____record_7.latest
local failures = ____record_7.failures
if latest ~= nil and latest["until"] <= now then
record.latest = nil
elseif latest ~= nil then
ends = math.max(ends, latest["until"])
end
if failures ~= nil then
ends = math.max(ends, failures.last + failuresKept)
end
ends = math.max(
ends,
pruneFlows(record, now)
)
keepUntil(box, record, ends, now)
end
local function setTryRight(boxes, address, browserLimit, now)
if address ~= nil then
local own = addressOf(boxes.own)
local failed = own.failed
local moved = renew(own.uses, {address.failures}, now)
local ends = now + address.numbers.duration * 1000
if failed ~= nil and failed.ends > ends then
failed.ends = ends
moved = true
end
if moved then
keepAddress(boxes.own, own, now)
end
end
local number = numberOf(boxes.number)
local ahead = number.failures ~= nil and number.failures.last > now
if ahead then
failuresOf(number, now)
end
local moved = ahead
if browserLimit ~= nil and renew(number.uses, {browserLimit}, now) then
moved = true
end
if moved then
keepNumber(boxes.number, number, now)
end
end
local function failures(boxes, _args, now)
setTryRight(boxes, nil, nil, now)
local ____temp_8
if boxes.number == nil then
____temp_8 = nil
else
____temp_8 = failuresOf(
numberOf(boxes.number),
now
)
end
local failed = ____temp_8
local wait = math.max(
0,
math.ceil(((failed and failed.wait or 0) - now) / 1000)
)
return {total = failed and failed.total or 0, wait = wait}
end
local reply = failures(boxes, input.args, now)
for i, name in ipairs(input.names) do
  local box = boxes[name]
  if box and box.keep ~= nil then
    if box.keep > 0 then
      redis.call('SET', KEYS[i], cmsgpack.pack(box.value), 'PX', math.ceil(box.keep))
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
return cjson.encode(reply)`,
}
