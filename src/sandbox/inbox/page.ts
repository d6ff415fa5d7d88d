import { html, type Html } from './html.js'

/** Where style and script of the page are. */
export const assetsPath = '/_sandbox/inbox/'

/**
 * The page around what phones received. What needs the script is hidden until it runs: without it the
 * page is the list, and asks for itself now and then.
 */
export function toPage({ title, list }: { title: string; list: Html }): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link
          rel="icon"
          href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect x='4' y='1' width='8' height='14' rx='2' fill='%233b5bdb'/%3E%3Crect x='5.5' y='4' width='5' height='3' rx='1' fill='%23fff'/%3E%3C/svg%3E"
        />
        <link rel="stylesheet" href="${assetsPath}inbox.css" />
        <script type="module" src="${assetsPath}main.js"></script>
        <noscript><meta http-equiv="refresh" content="3" /></noscript>
      </head>
      <body>
        ${icons}
        <a class="skip" href="#feed">Skip to the messages</a>
        <header class="bar">
          <p class="brand">
            <a href="/">tyntec sandbox</a>
            <span id="connection" class="connection" data-scripted hidden>Connecting</span>
          </p>
          <nav class="tabs" aria-label="Views" data-scripted hidden>
            <a href="#phones" aria-current="page">Phones</a>
            <a href="#calls">API calls</a>
            <a href="#faults">Faults <span id="fault-count" class="count" hidden></span></a>
            <a href="#numbers">Numbers</a>
            <a href="#text">Text check</a>
          </nav>
          <div class="clock" role="group" aria-label="Clock of the sandbox" data-scripted hidden>
            <span class="time"
              ><time id="clock-now"></time> <span id="clock-ahead" class="ahead" hidden></span
            ></span>
            <button type="button" data-advance="30">+30 s</button>
            <button type="button" data-advance="300">+5 min</button>
          </div>
        </header>
        <main>${phones(list)} ${calls} ${faults} ${numbers} ${textCheck}</main>
        <footer class="foot" data-scripted hidden>
          <details class="keys">
            <summary>Keys</summary>
            <dl>
              <div>
                <dt><kbd>c</kbd></dt>
                <dd>copy the code</dd>
              </div>
              <div>
                <dt><kbd>j</kbd> <kbd>k</kbd></dt>
                <dd>next, previous</dd>
              </div>
              <div>
                <dt><kbd>/</kbd></dt>
                <dd>search</dd>
              </div>
              <div>
                <dt><kbd>Esc</kbd></dt>
                <dd>leave the search</dd>
              </div>
            </dl>
            <label><input type="checkbox" id="keys" checked /> Single keys do this</label>
          </details>
          <button type="button" id="reset">Reset the sandbox</button>
        </footer>
        <div
          id="announcements"
          class="away"
          role="log"
          aria-live="polite"
          aria-relevant="additions"
          aria-label="What has changed"
        ></div>
      </body>
    </html> `.markup
}

const phones = (list: Html) =>
  html`<section id="phones" class="view" aria-labelledby="phones-title">
    <div class="head">
      <h1 id="phones-title" tabindex="-1">Inbox</h1>
      <div class="tools" data-scripted hidden>
        <input
          type="search"
          id="search"
          aria-label="Search number, text or code"
          placeholder="Search"
          spellcheck="false"
          autocomplete="off"
        />
        <button type="button" id="delete">Delete messages</button>
      </div>
    </div>
    <div class="columns">
      <nav class="phones" aria-label="Phones" data-scripted hidden><ul id="phone-list"></ul></nav>
      <div class="stream">
        <ol id="feed" class="feed" data-testid="messages" tabindex="-1">
          ${list}
        </ol>
        <p id="nothing-found" hidden>Nothing here has that in it.</p>
        <div id="empty" class="empty" data-testid="empty" hidden>
          <h2>No messages yet</h2>
          <p>Ask for a code in your app, or here:</p>
          <p>
            <button type="button" id="try" class="primary">Send a code</button>
          </p>
          <p>
            Nothing comes? Look at the <a href="#calls">API calls</a>: when your app has called this
            sandbox, they are there.
          </p>
        </div>
      </div>
    </div>
  </section>`

const calls = html`<section id="calls" class="view" aria-labelledby="calls-title" hidden>
  <div class="head">
    <h1 id="calls-title" tabindex="-1">API calls</h1>
    <div class="tools"><button type="button" id="forget-calls">Forget the calls</button></div>
  </div>
  <p class="lead">What your app asked tyntec's APIs, newest first. Keys are never kept.</p>
  <ol id="call-list" class="call-list"></ol>
  <p id="no-calls" class="empty">No calls yet.</p>
</section>`

const faults = html`<section id="faults" class="view" aria-labelledby="faults-title" hidden>
  <div class="head">
    <h1 id="faults-title" tabindex="-1">Faults</h1>
    <div class="tools"><button type="button" id="no-faults" hidden>Turn all off</button></div>
  </div>
  <p class="lead">
    What goes wrong on purpose, until you turn it off. The first fault that fits a call decides.
  </p>
  <ul id="fault-list" class="fault-list"></ul>
  <p id="no-faults-on">No fault is on.</p>
  <h2 id="presets-title">Turn one on</h2>
  <ul id="presets" class="presets" aria-labelledby="presets-title"></ul>
  <details class="own">
    <summary>A fault of your own</summary>
    <form id="fault-form" class="form"></form>
  </details>
</section>`

const numbers = html`<section id="numbers" class="view" aria-labelledby="numbers-title" hidden>
  <div class="head"><h1 id="numbers-title" tabindex="-1">Magic numbers</h1></div>
  <p class="lead">
    Each does the same every time. All others get a code by chance, as with tyntec.
  </p>
  <ul id="number-list" class="number-list"></ul>
  <h2>What is not simulated</h2>
  <ul id="limitations" class="limitations"></ul>
</section>`

const textCheck = html`<section id="text" class="view" aria-labelledby="text-title" hidden>
  <div class="head"><h1 id="text-title" tabindex="-1">Text check</h1></div>
  <p class="lead">
    What a text costs as SMS, and whether phones and browsers can read the code in it.
  </p>
  <form id="text-form" class="form">
    <p>
      <label for="text-text">Text, with {{OTP}} for the code</label>
      <textarea id="text-text" name="text" rows="5" spellcheck="false">
{{OTP}} is your Acme code.

@login.example.com #{{OTP}}</textarea>
    </p>
    <div class="fields">
      <p>
        <label for="text-channel">Channel</label>
        <select id="text-channel" name="channel">
          <option value="sms">SMS</option>
          <option value="voice">Call</option>
          <option value="whatsapp">WhatsApp</option>
        </select>
      </p>
      <p>
        <label for="text-host">Host of the login page</label>
        <input id="text-host" name="host" spellcheck="false" autocapitalize="none" />
      </p>
      <p>
        <label for="text-sender">Sender</label>
        <input id="text-sender" name="sender" spellcheck="false" />
      </p>
    </div>
    <p><button type="submit" class="primary">Check</button></p>
  </form>
  <div id="text-result"></div>
</section>`

const icons = html`<svg class="away" aria-hidden="true" xmlns="http://www.w3.org/2000/svg">
  <symbol id="icon-sms" viewBox="0 0 16 16">
    <path
      d="M2 3.5A1.5 1.5 0 0 1 3.5 2h9A1.5 1.5 0 0 1 14 3.5v6a1.5 1.5 0 0 1-1.5 1.5H6l-3.2 2.7a.5.5 0 0 1-.8-.4z"
    />
  </symbol>
  <symbol id="icon-voice" viewBox="0 0 16 16">
    <path
      d="M3.7 1.6 5 1.3a1 1 0 0 1 1.1.6l1 2.4a1 1 0 0 1-.3 1.1L5.6 6.5a8.5 8.5 0 0 0 3.9 3.9l1.1-1.2a1 1 0 0 1 1.1-.3l2.4 1a1 1 0 0 1 .6 1.1l-.3 1.3a1.9 1.9 0 0 1-1.9 1.5A11.2 11.2 0 0 1 2.2 3.5a1.9 1.9 0 0 1 1.5-1.9z"
    />
  </symbol>
  <symbol id="icon-whatsapp" viewBox="0 0 16 16">
    <path
      fill-rule="evenodd"
      d="M8 1a7 7 0 0 0-6 10.6L1 15l3.500-1A7 7 0 1 0 8 1zM5.800 4.500c.3 0 .5 0 .6.3l.6 1.400c.1.2 0 .4-.1.6l-.5.6c.6 1.100 1.400 1.800 2.500 2.300l.7-.8c.2-.2.300-.2.5-.1l1.400.7c.3.1.4.3.3.6-.1 1-1 1.600-1.900 1.500C7.400 11.300 4.900 9 4.500 6.500c-.1-1 .5-1.900 1.300-2z"
    />
  </symbol>
  <symbol id="icon-copy" viewBox="0 0 16 16">
    <path
      fill-rule="evenodd"
      d="M6 1h7a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-1v1a2 2 0 0 1-2 2H3a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2h1V3a2 2 0 0 1 2-2zm6 9.500h1a.5.5 0 0 0 .5-.5V3a.5.5 0 0 0-.5-.5H6a.5.5 0 0 0-.5.5v1H10a2 2 0 0 1 2 2zM3 5.500a.5.5 0 0 0-.5.5v7c0 .3.2.5.5.5h7a.5.5 0 0 0 .5-.5V6a.5.5 0 0 0-.5-.5z"
    />
  </symbol>
  <symbol id="icon-play" viewBox="0 0 16 16">
    <path d="M4 2.500v11a.6.6 0 0 0 .9.5l9-5.500a.6.6 0 0 0 0-1l-9-5.500a.6.6 0 0 0-.9.500z" />
  </symbol>
  <symbol id="icon-link" viewBox="0 0 16 16">
    <path
      fill-rule="evenodd"
      d="M9.500 2H14v4.500h-1.500V4.600L7.500 9.600 6.400 8.500l5-5H9.500zM3.500 3H7v1.500H3.500v8h8V9H13v3.500a1.500 1.500 0 0 1-1.500 1.500h-8A1.500 1.500 0 0 1 2 12.500v-8A1.500 1.500 0 0 1 3.500 3z"
    />
  </symbol>
</svg>`
