/*
 * One script per transition. Every key of a script carries the number's hash tag, so the scripts run
 * on a Cluster. Time is Redis's own: no two clocks are compared. Each script can run twice with the
 * same reference or attempt, because clients send a command again when its answer was lost.
 */

const prelude = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local names = {'state', 'end', 'reference', 'number', 'otp', 'via', 'expires', 'sent', 'resends',
  'attempts', 'counted', 'delivery', 'created', 'lease', 'resend', 'by', 'open', 'opener'}
local numeric = {expires = 1, sent = 1, resends = 1, attempts = 1, counted = 1, created = 1, lease = 1}

-- A key of another type is not ours to read: the flow is over.
local function hmget(key, ...)
  local values = redis.pcall('HMGET', key, ...)
  if values.err then
    redis.call('DEL', key)
    values = redis.call('HMGET', key, ...)
  end
  return values
end

local function number(value)
  return tonumber(value or 0) or 0
end

local function get(key)
  local value = redis.pcall('GET', key)
  if type(value) == 'string' then return value end
end

-- Milliseconds that Redis's clock may go back, at a failover for example, without any harm.
local skew = 10000

-- No lease is longer than ten seconds: what is was written by a clock that was ahead.
local function leaseOf(value)
  local ends = number(value)
  return ends <= now + 10000 + skew and ends or 0
end

local function load(key)
  local values = hmget(key, unpack(names))
  local flow = {}
  for index, name in ipairs(names) do
    local value = values[index]
    if numeric[name] then value = number(value) end
    flow[name] = value
  end
  -- It began while the clock was ahead, and would last for longer by as much: it is over instead.
  if flow.created > now + skew then
    redis.call('DEL', key)
    return load(key)
  end
  flow.lease = leaseOf(flow.lease)
  return flow
end

local function view(status, flow, extra, more)
  return {status, flow.state or '', flow['end'] or '', flow.reference or '', flow.number or '',
    flow.otp or '', flow.via or '', flow.expires - now, now - flow.sent, flow.resends, flow.attempts,
    flow.counted, flow.delivery or '', extra or '', more or ''}
end

-- Why a flow takes no further step; nothing when it does.
local function refusal(flow)
  if not flow.state or flow.state == 'completed' then return 'none' end
  if flow.state == 'dead' then
    if flow['end'] == 'expired' or flow['end'] == 'attempts' then return flow['end'] end
    return 'none'
  end
  if flow.state ~= 'verified' and flow.expires <= now then return 'expired' end
end

-- An ended flow says only that it has ended.
local function finish(key, state, why)
  redis.call('HDEL', key, 'reference', 'number', 'otp', 'lease', 'resend', 'delivery')
  redis.call('HSET', key, 'state', state, 'end', why)
end

-- At most so much of it stays: a clock that was ahead has made it longer.
local function remains(key, most)
  local left = math.max(redis.call('PTTL', key), 0)
  if not most or left <= tonumber(most) then return left end
  redis.call('PEXPIRE', key, most)
  return tonumber(most)
end

-- Whether it is this request's turn to ask tyntec, which is one's in so many milliseconds.
local function turn(key, every)
  local last = number(redis.call('HGET', key, 'askedAt'))
  if last <= now and now - last < tonumber(every) then return false end
  redis.call('HSET', key, 'askedAt', now)
  return true
end

-- The same for a send that has no known end. Others wait for this look-up until its lease ends.
local function lookUp(key, flow, every, lease)
  if not turn(key, every) then return false end
  flow.state = 'unconfirmed'
  redis.call('HSET', key, 'state', flow.state, 'lease', now + lease)
  return true
end

local function failuresOf(key)
  local found = hmget(key, 'recent', 'total', 'until', 'last', 'by')
  local failed = {recent = number(found[1]), total = number(found[2]), wait = number(found[3]),
    last = number(found[4]), by = found[5]}
  -- The clock was ahead when the wait was written: it begins now, and lasts no longer than it should.
  if failed.last > now then
    failed.wait = math.max(failed.wait - failed.last + now, 0)
    failed.last = now
    redis.call('HSET', key, 'until', failed.wait, 'last', now)
  end
  return failed
end

-- Which flow the number's latest message belongs to, and whether that is only reserved so far. Who has
-- been refused gives it back at once, and a known browser doesn't wait for that: with refused
-- requests alone strangers could keep it from sending.
local function holder(key)
  local value = get(key) or ''
  local flow = string.gsub(value, '^%?', '')
  return flow, flow ~= value
end

local function hold(key, flow)
  if get(key) == '?' .. flow then redis.call('SET', key, flow, 'PX', math.max(remains(key), 1)) end
end

-- A known browser passes others only, so that its own double click is one message. What it has passed may
-- be out by the time it gives its own back.
local function reserve(flowKey, key, flow, cooldown, known, passed)
  if passed > 0 then redis.call('HSET', flowKey, 'passed', now + passed) end
  redis.call('SET', key, (known and '' or '?') .. flow, 'PX', cooldown)
end

local function giveBack(flowKey, key, flow)
  if holder(key) ~= flow then return end
  local left = math.min(number(redis.call('HGET', flowKey, 'passed')) - now, remains(key))
  if left > 0 then
    redis.call('SET', key, '?' .. flow, 'PX', left)
  else
    redis.call('DEL', key)
  end
end
`

// KEYS: flow, sent, the browser's current flow, attempt.
// ARGV: reference, number, via, lease, cooldown, lifetime, keep, has current, looked up, flow,
// is a known browser, how often a send is looked up, how long that may take.
const reserveSend = `
if hmget(KEYS[1], 'reference')[1] == ARGV[1] then return {'reserved'} end
if ARGV[8] == '1' then
  local current = load(KEYS[3])
  if not refusal(current) and current.state ~= 'verified' and current.via == ARGV[3] then
    local recent = now - current.sent < tonumber(ARGV[5])
    if current.state ~= 'pending' and current.lease > now then return {'busy'} end
    -- Before another message always; else as often as anybody may.
    if current.state ~= 'pending' and ARGV[9] == '0'
      and (not recent or lookUp(KEYS[3], current, ARGV[12], ARGV[13])) then
      return view('lookup', current)
    end
    if recent then return view('current', current) end
  end
end
local wait = remains(KEYS[2], ARGV[5])
local known = ARGV[11] == '1'
local _, reserved = holder(KEYS[2])
local passed = known and reserved and wait or 0
if wait > passed then return {'too_soon', wait} end
redis.call('DEL', KEYS[1], KEYS[4])
redis.call('HSET', KEYS[1], 'state', 'sending', 'reference', ARGV[1], 'number', ARGV[2],
  'via', ARGV[3], 'lease', now + ARGV[4], 'created', now, 'sent', now, 'expires', now + ARGV[6],
  'resends', 0, 'attempts', 0, 'counted', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[7])
reserve(KEYS[1], KEYS[2], ARGV[10], ARGV[5], known, passed)
return {'reserved'}
`

// KEYS: flow, sent. ARGV: reference, result, otp, lifetime, longest lifetime, flow.
const settleSend = `
local flow = load(KEYS[1])
if flow.reference ~= ARGV[1] then return 0 end
if flow.state ~= 'sending' and flow.state ~= 'unconfirmed' then
  return (ARGV[2] == 'sent' and flow.state == 'pending') and 1 or 0
end
if ARGV[2] == 'sent' then
  -- The lifetime runs from the first send of the flow at the longest.
  local last = flow.created + ARGV[5]
  local expires = math.min(flow.sent + ARGV[4], last)
  hold(KEYS[2], ARGV[6])
  redis.call('HSET', KEYS[1], 'state', 'pending', 'otp', ARGV[3], 'expires', expires, 'lease', 0,
    'counted', 0)
  redis.call('HDEL', KEYS[1], 'delivery', 'askedAt')
  redis.call('PEXPIRE', KEYS[1], math.max(1, math.min(flow.created + 600000, expires + 300000) - now))
elseif ARGV[2] == 'unconfirmed' then
  hold(KEYS[2], ARGV[6])
  redis.call('HSET', KEYS[1], 'state', 'unconfirmed', 'lease', 0)
else
  giveBack(KEYS[1], KEYS[2], ARGV[6])
  local before = redis.call('HMGET', KEYS[1], 'sentBefore', 'viaBefore', 'referenceBefore',
    'stateBefore', 'expiresBefore')
  if before[3] then
    -- It was a resend that had become a new send: the flow is what it was before.
    redis.call('HSET', KEYS[1], 'state', before[4], 'lease', 0, 'expires', before[5],
      'resends', flow.resends - 1, 'sent', before[1], 'via', before[2], 'reference', before[3])
    redis.call('HDEL', KEYS[1], 'resend', 'referenceBefore')
  else
    redis.call('DEL', KEYS[1])
  end
end
return 1
`

// KEYS: flow, sent, attempt.
// ARGV: reference, via, lease, cooldown, renew below, looked up, flow, lifetime, longest lifetime,
// is a known browser, waits...
const reserveResend = `
local flow = load(KEYS[1])
if flow.resend and flow.resend == ARGV[1] then
  return view(flow.reference == ARGV[1] and 'renew' or 'reserved', flow)
end
local refused = refusal(flow)
if refused then return {refused} end
if flow.state == 'verified' then return {'none'} end
if flow.lease > now then return {'busy'} end
local check = hmget(KEYS[3], 'state', 'lease')
if check[1] == 'checking' and leaseOf(check[2]) > now then return {'busy'} end
local wait = ARGV[11 + flow.resends]
if not wait then return {'exhausted', flow.expires - now} end
local left = math.max(flow.sent + wait - now, 0)
local sender, reserved = holder(KEYS[2])
local known = ARGV[10] == '1'
local held = remains(KEYS[2], ARGV[4])
local passed = known and reserved and held or 0
if sender ~= ARGV[7] and held > passed then left = math.max(left, held) end
if left > 0 then return {'too_soon', left} end
if flow.state ~= 'pending' and ARGV[6] == '0' then return view('lookup', flow) end
local renew = flow.state ~= 'pending' or flow.expires - now < tonumber(ARGV[5])
-- When a new code would end. Its answer may be lost, so it has its time from now on.
local renewed = now + math.min(ARGV[8], flow.created + ARGV[9] - now, remains(KEYS[1]))
redis.call('HSET', KEYS[1], 'resends', flow.resends + 1, 'sentBefore', flow.sent, 'sent', now,
  'viaBefore', flow.via, 'via', ARGV[2], 'lease', now + ARGV[3], 'resend', ARGV[1],
  'renewed', renewed)
redis.call('HDEL', KEYS[1], 'delivery', 'askedAt')
reserve(KEYS[1], KEYS[2], ARGV[7], ARGV[4], known, passed)
if renew then
  redis.call('HSET', KEYS[1], 'state', 'sending', 'reference', ARGV[1], 'expires', renewed,
    'stateBefore', flow.state == 'pending' and 'pending' or 'unconfirmed',
    'referenceBefore', flow.reference, 'expiresBefore', flow.expires)
end
return view(renew and 'renew' or 'reserved', load(KEYS[1]))
`

// KEYS: flow, sent. ARGV: reference, result, flow.
const settleResend = `
local flow = load(KEYS[1])
if flow.resend ~= ARGV[1] then return 0 end
if flow.state ~= 'pending' then return (ARGV[2] == 'renew' and flow.state == 'sending') and 1 or 0 end
if ARGV[2] == 'sent' then
  hold(KEYS[2], ARGV[3])
  redis.call('HSET', KEYS[1], 'lease', 0)
elseif ARGV[2] == 'renew' then
  redis.call('HSET', KEYS[1], 'state', 'sending', 'reference', ARGV[1],
    'stateBefore', 'pending', 'referenceBefore', flow.reference, 'expiresBefore', flow.expires,
    'expires', number(redis.call('HGET', KEYS[1], 'renewed')))
elseif flow.lease ~= 0 then
  local before = redis.call('HMGET', KEYS[1], 'sentBefore', 'viaBefore')
  redis.call('HSET', KEYS[1], 'lease', 0, 'resends', flow.resends - 1, 'sent', before[1],
    'via', before[2])
  giveBack(KEYS[1], KEYS[2], ARGV[3])
end
return 1
`

const attempt = `
local tried = {}
local parts = {'id', 'state', 'hash', 'lease', 'earlier', 'by', 'until', 'taken', 'opener', 'lane', 'before', 'open'}
local values = hmget(KEYS[2], unpack(parts))
for index, name in ipairs(parts) do tried[name] = values[index] end
tried.lease = leaseOf(tried.lease)

-- The attempt was no failure: its number gets the charge back, and the wait that it set.
local function refund()
  local failed = failuresOf(KEYS[3])
  if tried.lane and redis.call('EXISTS', KEYS[4]) == 1 then
    redis.call('HINCRBY', KEYS[4], 'count', -1)
  end
  if failed.total <= 1 then
    redis.call('DEL', KEYS[3])
    return
  end
  redis.call('HSET', KEYS[3], 'total', failed.total - 1)
  if tried.lane then return end
  redis.call('HSET', KEYS[3], 'recent', math.max(failed.recent - 1, 0))
  if failed.by == tried.by then
    redis.call('HSET', KEYS[3], 'until', math.min(number(tried['until']), now))
  end
end
`

// KEYS: flow, attempt, failures, the lane's failures (or the number's again).
// ARGV: attempt, hash, lease, window, joining, attempts, free failures, failure window, wait,
// longest wait, disable at, how long failures are kept, failures of a lane, their window,
// how often a send is looked up, how long that may take.
const claimCheck = `${attempt}
local flow = load(KEYS[1])
local joining = ARGV[5] == '1'
local lease = now + ARGV[3]
if flow.state == 'completed' then return {joining and 'opened' or 'none'} end
if flow.state == 'verified' then
  local over = redis.call('PTTL', KEYS[2]) > ARGV[4] + skew
  if over or tried.state ~= 'verified' or tried.hash ~= ARGV[2] then return {'none'} end
  if tried.lease > now and tried.opener ~= ARGV[1] then return {'join'} end
  redis.call('HSET', KEYS[2], 'lease', lease, 'opener', ARGV[1])
  return view('verified', flow, tried.id)
end
local refused = refusal(flow)
if refused then return {refused} end
if flow.state ~= 'pending' then
  if flow.lease > now then return {'sending'} end
  if not lookUp(KEYS[1], flow, ARGV[15], ARGV[16]) then return {'unsettled'} end
  return view('lookup', flow)
end
local same = tried.hash == ARGV[2]
if tried.state == 'checking' and tried.lease > now then
  if tried.id == ARGV[1] then
    if tried.taken then return view('unresolved', flow, same and 1 or 0, tried.earlier) end
    return view('claimed', flow, tried.earlier)
  end
  if same then return {'join'} end
  return {'busy', tried.lease - now}
end
if joining and tried.state ~= 'checking' then
  if tried.state == 'wrong' and same then return {'wrong', flow.attempts} end
  return {'unknown'}
end
if tried.state == 'checking' or tried.state == 'unresolved' then
  redis.call('HSET', KEYS[2], 'id', ARGV[1], 'state', 'checking', 'lease', lease, 'taken', 1)
  return view('unresolved', flow, same and 1 or 0, tried.earlier)
end
if flow.attempts >= tonumber(ARGV[6]) then return {'attempts'} end

local failed = failuresOf(KEYS[3])
if failed.total >= tonumber(ARGV[11]) then return {'limited', ARGV[10], 1} end
-- A known browser has tries of its own: what strangers did to the number doesn't stop it.
local lane = KEYS[4] ~= KEYS[3]
  and number(hmget(KEYS[4], 'count')[1]) < tonumber(ARGV[13])
if KEYS[4] ~= KEYS[3] then remains(KEYS[4], ARGV[14]) end
if lane then
  redis.call('HINCRBY', KEYS[4], 'count', 1)
  if redis.call('PTTL', KEYS[4]) < 0 then redis.call('PEXPIRE', KEYS[4], ARGV[14]) end
  redis.call('HSET', KEYS[3], 'total', failed.total + 1)
else
  if failed.wait > now then return {'limited', failed.wait - now, 0} end
  local recent = failed.recent
  if now > math.max(failed.last, failed.wait) + ARGV[8] then recent = 0 end
  recent = recent + 1
  local wait = 0
  if recent >= tonumber(ARGV[7]) then
    wait = now + math.min(ARGV[10] + 0, ARGV[9] * 2 ^ math.min(recent - ARGV[7], 30))
  end
  redis.call('HSET', KEYS[3], 'recent', recent, 'total', failed.total + 1, 'until', wait,
    'last', now, 'by', ARGV[1])
end
redis.call('PEXPIRE', KEYS[3], ARGV[12])

-- The code of the tries whose end was never heard, or * for several. A code that is known to be wrong
-- is none of them any more.
local open = false
if tried.state == 'ghost' then
  open = (not tried.open or tried.open == tried.hash) and tried.hash or '*'
elseif tried.state == 'wrong' then
  open = tried.open ~= tried.hash and tried.open
elseif not tried.state and flow.open then
  open = '*'
end
local earlier = 'none'
if open then earlier = open == ARGV[2] and 'same' or 'other' end
flow.attempts = flow.attempts + 1
redis.call('HSET', KEYS[1], 'attempts', flow.attempts, 'open', 1)
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'id', ARGV[1], 'state', 'checking', 'hash', ARGV[2], 'lease', lease,
  'earlier', earlier, 'by', ARGV[1], 'until', failed.wait)
if lane then redis.call('HSET', KEYS[2], 'lane', 1) end
if open then redis.call('HSET', KEYS[2], 'open', open) end
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return view('claimed', flow, earlier)
`

// KEYS: flow, attempt, failures, the lane's failures (or the number's again), sent.
// ARGV: attempt, result, attempts, hash, lease, window, counted, end, failed, late, most refunds,
// flow.
const settleCheck = `${attempt}
local flow = load(KEYS[1])
local result = ARGV[2]
local function settled()
  return {'settled', flow.attempts, failuresOf(KEYS[3]).total}
end

if result == 'verified' then
  -- tyntec's proof counts even when another request took the attempt over meanwhile.
  if flow.state == 'verified' and flow.by == ARGV[1] then
    return {'settled', flow.attempts, number(tried.before)}
  end
  if flow.state ~= 'pending' then return {'stale'} end
  redis.call('HSET', KEYS[1], 'state', 'verified', 'by', ARGV[1])
  redis.call('DEL', KEYS[2])
  -- This attempt was charged as a failure until now.
  local before = math.max(failuresOf(KEYS[3]).total - 1, 0)
  redis.call('HSET', KEYS[2], 'id', ARGV[1], 'state', 'verified', 'hash', ARGV[4],
    'lease', now + ARGV[5], 'opener', ARGV[1], 'before', before)
  redis.call('PEXPIRE', KEYS[2], ARGV[6])
  if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[6]) then redis.call('PEXPIRE', KEYS[1], ARGV[6]) end
  redis.call('DEL', KEYS[3], KEYS[4])
  -- Whoever has signed in may sign in again at once.
  if holder(KEYS[5]) == ARGV[12] then redis.call('DEL', KEYS[5]) end
  return {'settled', flow.attempts, before}
end

if flow.state == 'dead' and flow.by == ARGV[1] then return settled() end
if flow.state ~= 'pending' or tried.id ~= ARGV[1] then return {'stale'} end
local function over(why)
  finish(KEYS[1], 'dead', why)
  redis.call('HSET', KEYS[1], 'by', ARGV[1])
  redis.call('DEL', KEYS[2])
end
if result == 'wrong' then
  if tried.state == 'checking' then
    local late = ARGV[10] == '1'
    redis.call('HSET', KEYS[2], 'state', late and 'ghost' or 'wrong', 'lease', 0)
    if not late and (not tried.open or tried.open == tried.hash) then
      redis.call('HDEL', KEYS[1], 'open')
    end
    if ARGV[7] ~= '' then redis.call('HSET', KEYS[1], 'counted', ARGV[7]) end
  end
  if flow.attempts >= tonumber(ARGV[3]) then
    over('attempts')
  end
elseif result == 'over' then
  if ARGV[9] == '0' then refund() end
  over(ARGV[8])
elseif result == 'unprocessed' or result == 'unasked' then
  -- Bounded, so that no way of failing gives tries without end.
  local refunds = number(redis.call('HGET', KEYS[1], 'refunds'))
  if result == 'unasked' or refunds < tonumber(ARGV[11]) then
    flow.attempts = flow.attempts - 1
    redis.call('HSET', KEYS[1], 'attempts', flow.attempts,
      'refunds', result == 'unasked' and refunds or refunds + 1)
    refund()
  end
  if ARGV[10] == '1' then
    redis.call('HSET', KEYS[2], 'id', '', 'state', 'ghost', 'lease', 0)
  else
    redis.call('DEL', KEYS[2])
    redis.call('HDEL', KEYS[1], 'open')
  end
else
  redis.call('HSET', KEYS[2], 'state', 'unresolved', 'lease', 0)
end
return settled()
`

// KEYS: flow, attempt. ARGV: attempt, opener.
const complete = `
local flow = load(KEYS[1])
if flow.by ~= ARGV[1] then return 0 end
if flow.state == 'completed' then return flow.opener == ARGV[2] and 1 or 0 end
if flow.state ~= 'verified' then return 0 end
finish(KEYS[1], 'completed', 'used')
redis.call('HSET', KEYS[1], 'opener', ARGV[2])
redis.call('DEL', KEYS[2])
return 1
`

// KEYS: flow, attempt. ARGV: attempt.
const release = `
local flow = load(KEYS[1])
if flow.state == 'verified' and flow.by == ARGV[1] and redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('HSET', KEYS[2], 'lease', 0)
  redis.call('HDEL', KEYS[2], 'opener')
end
return 1
`

// KEYS: flow. ARGV: how often tyntec is asked, how long looking a send up may take.
const read = `
local flow = load(KEYS[1])
if not flow.state then return {'none'} end
local unsettled = flow.state == 'sending' or flow.state == 'unconfirmed'
local busy = unsettled and flow.lease > now
local due = false
if flow.state == 'pending' then
  local known = flow.delivery == 'delivered' or flow.delivery == 'failed'
  due = not known and turn(KEYS[1], ARGV[1])
elseif flow.state == 'unconfirmed' and flow.expires > now and not busy then
  due = lookUp(KEYS[1], flow, ARGV[1], ARGV[2])
end
return view('found', flow, due and 1 or 0, busy and 1 or 0)
`

// KEYS: flow. ARGV: delivery.
const setDelivery = `
if hmget(KEYS[1], 'state')[1] == 'pending' then
  redis.call('HSET', KEYS[1], 'delivery', ARGV[1])
end
return 1
`

// KEYS: flow, attempt. ARGV: end, a mark of this request.
const end = `
local flow = load(KEYS[1])
-- Who asks again because the answer was lost still has a code to delete at tyntec.
if flow.state == 'dead' and flow.by == ARGV[2] then return view('found', flow) end
if refusal(flow) then return {'none'} end
redis.call('HDEL', KEYS[1], 'reference', 'lease', 'resend', 'delivery')
redis.call('HSET', KEYS[1], 'state', 'dead', 'end', ARGV[1], 'by', ARGV[2])
redis.call('DEL', KEYS[2])
return view('found', flow)
`

// KEYS: failures.
const readFailures = `
local failed = failuresOf(KEYS[1])
return {'found', failed.total, math.max(failed.wait - now, 0)}
`

// KEYS: failures. ARGV: origin, total, wait, how long failures are kept.
const carryFailures = `
local failed = failuresOf(KEYS[1])
local more = math.max(ARGV[2] - number(redis.call('HGET', KEYS[1], 'from:' .. ARGV[1])), 0)
redis.call('HSET', KEYS[1], 'total', failed.total + more, 'from:' .. ARGV[1], ARGV[2])
-- Without a wait those that the number has go on ageing.
if tonumber(ARGV[3]) > 0 then
  redis.call('HSET', KEYS[1], 'last', now, 'until', math.max(failed.wait, now + ARGV[3]))
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
`

// KEYS: the limiter's count, a mark of this refund. ARGV: how long the mark is kept, points.
const refund = `
local used = number(get(KEYS[1]))
if redis.call('SET', KEYS[2], 1, 'PX', ARGV[1], 'NX') and used > 0 then
  -- Whoever was refused leaves nothing behind, and the next window begins with its first use.
  if used <= tonumber(ARGV[2]) then redis.call('DEL', KEYS[1])
  else redis.call('DECRBY', KEYS[1], ARGV[2]) end
end
return 1
`

// KEYS: the limiter's count. ARGV: its window.
const shorten = `
return remains(KEYS[1], ARGV[1])
`

// KEYS: members. ARGV: member, most members, window, whether it counts.
const addMember = `
local held = number(hmget(KEYS[1], ARGV[1])[1])
local members = redis.call('HLEN', KEYS[1])
if held == 0 and members >= tonumber(ARGV[2]) then
  return {'refused', remains(KEYS[1], ARGV[3]), members + 1}
end
if ARGV[4] == '0' then return {'allowed', remains(KEYS[1], ARGV[3]), members} end
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return {'allowed', remains(KEYS[1], ARGV[3]), held == 0 and members + 1 or members}
`

// KEYS: members, a mark of this refund. ARGV: member, how long the mark is kept.
const refundMember = `
local held = number(hmget(KEYS[1], ARGV[1])[1])
if redis.call('SET', KEYS[2], 1, 'PX', ARGV[2], 'NX') and held > 0 then
  if held == 1 then redis.call('HDEL', KEYS[1], ARGV[1])
  else redis.call('HINCRBY', KEYS[1], ARGV[1], -1) end
end
return 1
`

// KEYS: meter. ARGV: sent, verified, half-life. A number of Lua would lose its fraction in a reply.
const meter = `
local found = hmget(KEYS[1], 'sent', 'verified', 'at')
local weight = 2 ^ (-math.max(now - number(found[3]), 0) / ARGV[3])
local sent = math.max(number(found[1]) * weight + ARGV[1], 0)
local verified = math.max(number(found[2]) * weight + ARGV[2], 0)
local reading = {string.format('%.6f', sent), string.format('%.6f', verified)}
-- Whoever was refused leaves nothing behind.
if sent + verified < 0.001 then
  redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], 'sent', reading[1], 'verified', reading[2], 'at', now)
  redis.call('PEXPIRE', KEYS[1], ARGV[3] * 4)
end
return {'read', reading[1], reading[2]}
`

/** Name, body. */
export const scripts = {
  reserveSend: prelude + reserveSend,
  settleSend: prelude + settleSend,
  reserveResend: prelude + reserveResend,
  settleResend: prelude + settleResend,
  claimCheck: prelude + claimCheck,
  settleCheck: prelude + settleCheck,
  complete: prelude + complete,
  release: prelude + release,
  read: prelude + read,
  setDelivery: prelude + setDelivery,
  end: prelude + end,
  addMember: prelude + addMember,
  refundMember: prelude + refundMember,
  meter: prelude + meter,
  readFailures: prelude + readFailures,
  carryFailures: prelude + carryFailures,
  refund: prelude + refund,
  shorten: prelude + shorten,
}
