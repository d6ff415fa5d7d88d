import type { PageTexts } from './texts.js'

export const de: PageTexts = {
  title: 'Anmelden',
  errorTitle: 'Fehler: {title}',
  errorHeading: 'Das hat nicht geklappt',
  errorPrefix: 'Fehler:',

  numberHeading: 'Mit dem Telefon anmelden',
  numberLabel: 'Mobilnummer',
  numberHint: 'Mit Ländervorwahl, zum Beispiel {example}.',
  countries: 'Möglich sind Nummern aus: {countries}.',
  viaLegend: 'Wie soll der Code zu Ihnen kommen?',
  via: { sms: 'SMS', voice: 'Anruf', whatsapp: 'WhatsApp' },
  send: 'Code senden',
  rates: 'Sie bekommen einen Code, den Sie auf der nächsten Seite eingeben.',

  codeHeading: 'Schauen Sie auf Ihr Telefon',
  codeLabel: 'Sicherheitscode',
  sent: {
    sms: 'Wir haben einen Code mit {length} Ziffern per SMS an {to} gesendet.',
    voice: 'Wir rufen {to} an und sagen Ihnen einen Code mit {length} Ziffern.',
    whatsapp: 'Wir haben einen Code mit {length} Ziffern per WhatsApp an {to} gesendet.',
  },
  sentLetters: {
    sms: 'Wir haben einen Code mit {length} Buchstaben und Ziffern per SMS an {to} gesendet.',
    voice: 'Wir rufen {to} an und sagen Ihnen einen Code mit {length} Buchstaben und Ziffern.',
    whatsapp:
      'Wir haben einen Code mit {length} Buchstaben und Ziffern per WhatsApp an {to} gesendet.',
  },
  delivered: 'Er ist auf Ihrem Telefon angekommen.',
  failed: 'Unsere Nachricht an {to} konnte nicht zugestellt werden.',
  failedAdvice: 'Prüfen Sie die Nummer, oder wählen Sie einen anderen Weg.',
  failedNumber: 'Prüfen Sie die Nummer.',
  unconfirmed:
    'Wir wissen noch nicht, ob eine Nachricht an {to} unterwegs ist. Wenn ein Code kommt, geben Sie ihn hier ein. Wenn nicht, fordern Sie ihn noch einmal an.',
  outage:
    'Wir können gerade nicht nachsehen, wie weit Ihre Anmeldung ist. Wenn Sie einen Code haben, geben Sie ihn hier ein und versuchen Sie es gleich noch einmal.',
  works: 'Der Code gilt {time}.',
  worksUntil: 'Der Code gilt bis {time}.',
  check: 'Weiter',
  resend: {
    sms: 'Code noch einmal senden',
    voice: 'Noch einmal anrufen',
    whatsapp: 'Noch einmal per WhatsApp senden',
  },
  instead: {
    sms: 'Lieber per SMS senden',
    voice: 'Lieber anrufen',
    whatsapp: 'Lieber per WhatsApp senden',
  },
  wait: 'Sie können ihn in {time} noch einmal anfordern.',
  usedUp:
    'Wir können diesen Code nicht noch einmal senden. Wenn er nicht ankommt, nehmen Sie eine andere Nummer.',
  change: 'Andere Nummer verwenden',

  ended: {
    expired: 'Dieser Code ist abgelaufen',
    attempts: 'Der Code war zu oft falsch',
  },
  endedHint: 'Wir können einen neuen Code an {to} senden.',
  endedUsedUp:
    'Wir können jetzt keinen weiteren Code an {to} senden. Versuchen Sie es später, oder nehmen Sie eine andere Nummer.',
  newCode: 'Neuen Code senden',

  signedIn: 'Sie sind angemeldet',
  signedInHint: 'Auf dieser Seite ist nichts mehr zu tun.',
  goOn: 'Weiter',

  noPhone: 'Kein Zugriff auf dieses Telefon?',
  help: 'Hilfe',
  terms: 'Nutzungsbedingungen',
  privacy: 'Datenschutz',

  resent: {
    sms: 'Code noch einmal gesendet.',
    voice: 'Wir rufen Sie jetzt an.',
    whatsapp: 'Code noch einmal gesendet.',
  },
  canResend: 'Sie können den Code jetzt noch einmal anfordern.',
  filled: 'Code aus Ihrer Nachricht übernommen.',
  sending: 'Wird gesendet …',
  checking: 'Wird geprüft …',

  triesLeft: {
    one: 'Sie haben noch einen Versuch.',
    other: 'Sie haben noch {count} Versuche.',
  },
  writePlus:
    'Das können zwei Nummern sein. Beginnen Sie mit + und der Ländervorwahl, zum Beispiel {example}.',
  malformedLetters: 'Ein Code hat {length} Buchstaben und Ziffern. Geben Sie ihn noch einmal ein.',
  later: 'später',
  problems: {
    bad_request: 'Das hat nicht geklappt. Versuchen Sie es noch einmal.',
    number_required: 'Geben Sie Ihre Telefonnummer ein.',
    invalid_number: 'Geben Sie eine Telefonnummer mit Ländervorwahl ein, zum Beispiel {example}.',
    number_not_allowed: 'An diese Nummer können wir keine Codes senden. Nehmen Sie eine andere.',
    channel_not_allowed: 'So können wir den Code nicht senden. Wählen Sie einen anderen Weg.',
    sign_in_refused: 'Mit dieser Nummer können Sie sich nicht anmelden.',
    cross_site:
      'Das kam von einer anderen Website, deshalb ist nichts geschehen. Beginnen Sie hier noch einmal.',
    challenge_required:
      'Zeigen Sie, dass Sie kein Programm sind, und versuchen Sie es noch einmal.',
    code_required: 'Geben Sie den Code ein, den wir Ihnen gesendet haben.',
    malformed_code: 'Ein Code hat {length} Ziffern. Geben Sie ihn noch einmal ein.',
    invalid_code: 'Dieser Code stimmt nicht. Prüfen Sie ihn, und versuchen Sie es noch einmal.',
    no_pending_code: 'Ihre Anmeldung ist abgelaufen. Geben Sie Ihre Nummer noch einmal ein.',
    check_in_progress: 'Wir prüfen schon einen Code. Versuchen Sie es gleich noch einmal.',
    code_expired: 'Dieser Code ist abgelaufen. Fordern Sie einen neuen an.',
    too_many_attempts: 'Der Code war zu oft falsch. Fordern Sie einen neuen an.',
    resend_too_soon: 'Sie können den Code {when} noch einmal anfordern.',
    rate_limited: 'Das waren zu viele Versuche. Versuchen Sie es {when} noch einmal.',
    service_unavailable: 'Das geht gerade nicht. Versuchen Sie es {when} noch einmal.',
  },
}
