/** The German texts: polite (Sie), without words that are known to developers only. */
import { markup } from './markup.ts';
import type { Messages } from './messages.ts';

/** The built-in German texts. */
export const GERMAN: Messages = {
  lang: 'de',
  newTab: 'öffnet sich in einem neuen Tab',
  continueTo: (application) => markup`weiter zu ${application}`,
  about: {
    website: 'Website',
    policy: 'Datenschutzerklärung',
    terms: 'Nutzungsbedingungen',
  },
  scopes: {
    openid: 'Ihre Identität bestätigen',
    profile: 'Ihren Namen und Ihre Profilangaben sehen',
    email: 'Ihre E-Mail-Adresse sehen',
    address: 'Ihre Postanschrift sehen',
    phone: 'Ihre Telefonnummer sehen',
    offline_access: 'Auch in Ihrer Abwesenheit verbunden bleiben',
  },
  login: {
    title: 'Anmelden',
    again: 'Erneut anmelden',
    signedInAs: (account) =>
      markup`Sie sind als ${account} angemeldet. Bitte melden Sie sich zur Sicherheit noch einmal an.`,
    username: 'Benutzername',
    password: 'Passwort',
    show: 'Anzeigen',
    hide: 'Verbergen',
    submit: 'Anmelden',
    cancel: 'Abbrechen',
    problem: (title) => `Fehler: ${title}`,
    credentials:
      'Benutzername und Passwort passen nicht zusammen. Bitte prüfen Sie beides und versuchen Sie es noch einmal.',
    limited: (seconds) => `Zu viele Versuche. ${later(seconds)}`,
    idle: 'Diese Seite war längere Zeit geöffnet. Bitte melden Sie sich jetzt an.',
  },
  account: {
    title: 'Konto auswählen',
    go: (account) => markup`Weiter als ${account}`,
    another: 'Anderes Konto verwenden',
    cancel: 'Abbrechen',
  },
  unvouched: {
    describedBy: (host) =>
      markup`Was diese Anwendung ist, sagt ${host}. Hier hat es niemand geprüft.`,
    itself: 'Diese Anwendung hat sich selbst registriert. Ihren Namen hat hier niemand geprüft.',
    onThisComputer:
      'Sie läuft auf Ihrem Computer, und dort kann sich jedes Programm für sie ausgeben. Machen Sie nur weiter, wenn Sie die Anmeldung gerade in ihr begonnen haben.',
  },
  consent: {
    title: 'Zugriff erlauben?',
    whose: (account) => markup`Diese Anwendung bittet um Zugriff auf das Konto von ${account}.`,
    asks: 'Die Anwendung darf dann',
    asksAlso: 'Die Anwendung darf dann außerdem',
    known: 'Das haben Sie bereits erlaubt',
    details: 'Sie erlauben dies',
    nothing: 'Die Anwendung fragt keine Ihrer Daten ab.',
    writes: 'kann Daten ändern',
    offline: 'Auch in Ihrer Abwesenheit',
    offlineMeans:
      'Die Anwendung darf diesen Zugriff weiter nutzen, wenn Sie nicht angemeldet sind.',
    choose: 'Entfernen Sie das Häkchen bei allem, was Sie nicht erlauben möchten.',
    withdraw: (provider) =>
      `Sie können die Erlaubnis jederzeit widerrufen. Wenden Sie sich dazu an ${provider}.`,
    withdrawHere: 'Sie können dies jederzeit auf der Seite Ihres Kontos widerrufen.',
    allow: 'Erlauben',
    deny: 'Ablehnen',
    notYou: 'Das sind nicht Sie?',
    another: 'Anderes Konto verwenden',
  },
  logout: {
    title: 'Abmelden?',
    asked: (application) => markup`angefragt von ${application}`,
    who: (account, provider) =>
      markup`Sie sind bei ${provider} als ${account} angemeldet. In Anwendungen, die Sie geöffnet haben, bleiben Sie möglicherweise angemeldet.`,
    confirm: 'Abmelden',
    stay: 'Angemeldet bleiben',
  },
  signedOut: {
    out: 'Sie sind abgemeldet',
    outMeans: (provider) =>
      `Sie sind in diesem Browser nicht mehr bei ${provider} angemeldet. Sie können diese Seite schließen.`,
    stayed: 'Sie sind weiterhin angemeldet',
    stayedMeans: (provider) =>
      `Es hat sich nichts geändert: Sie bleiben in diesem Browser bei ${provider} angemeldet. Sie können diese Seite schließen.`,
    back: (application) => markup`Weiter zu ${application}`,
    home: (provider) => `Weiter zu ${provider}`,
  },
  device: {
    title: 'Gerät verbinden',
    lead: 'Geben Sie den Code ein, den Ihr Gerät anzeigt.',
    code: 'Code',
    submit: 'Weiter',
    unknown:
      'Dieser Code ist nicht gültig. Bitte prüfen Sie ihn auf Ihrem Gerät; ein Code gilt nur wenige Minuten.',
    limited: (seconds) => `Zu viele falsche Codes. ${later(seconds)}`,
  },
  deviceConfirmation: {
    title: 'Ist das Ihr Gerät?',
    whose: (application, account) =>
      markup`Ein Gerät mit ${application} bittet um Zugriff auf das Konto von ${account}.`,
    compare: 'Code auf dem Gerät',
    place: 'Anfrage von',
    sameNetwork: 'dasselbe Netzwerk wie Ihres',
    otherNetwork: 'ein anderes Netzwerk als Ihres',
    warning:
      'Fahren Sie nur fort, wenn Sie dies selbst begonnen haben und das Gerät vor Ihnen diesen Code anzeigt. Wenn Ihnen jemand den Code oder einen Link geschickt hat, wählen Sie „Ablehnen“.',
    asks: 'Das Gerät darf dann',
    allow: 'Erlauben',
    deny: 'Ablehnen',
  },
  deviceResult: {
    allowed: 'Ihr Gerät ist verbunden',
    allowedMeans: (application) =>
      markup`Auf Ihrem Gerät geht es mit ${application} von selbst weiter. Sie können diese Seite schließen.`,
    denied: 'Es wurde nichts verbunden',
    deniedMeans: (application) =>
      markup`${application} erhält auf jenem Gerät keinen Zugriff. Sie können diese Seite schließen.`,
  },
  accountOverview: {
    title: 'Ihr Konto',
    whose: (account) => markup`Sie sind als ${account} angemeldet.`,
    sessions: 'Wo Sie angemeldet sind',
    thisBrowser: 'Dieser Browser',
    signedIn: (time) => markup`Angemeldet am ${time}`,
    used: (time) => markup`Zuletzt benutzt am ${time}`,
    end: 'Dort abmelden',
    endThis: 'Abmelden',
    endOthers: 'Überall sonst abmelden',
    applications: 'Anwendungen mit Zugriff',
    none: 'Sie haben keiner Anwendung Zugriff auf Ihr Konto erlaubt.',
    since: (time) => markup`Erlaubt am ${time}`,
    may: 'Sie darf',
    start: (host) => `Bei ${host} anmelden`,
    withdraw: (application) => markup`${application} den Zugriff entziehen`,
  },
  formPost: {
    title: 'Weiter zur Anwendung',
    to: (host) =>
      markup`Ihre Antwort wird an ${host} übermittelt. Wenn nichts geschieht, drücken Sie die Schaltfläche.`,
    submit: 'Weiter',
  },
  error: {
    returnTo: (host) => `Zurück zu ${host}`,
    title: (status) => {
      if (status === 403) return 'Das ist nicht erlaubt';
      if (status === 404) return 'Seite nicht gefunden';
      if (status === 429) return 'Zu viele Versuche';
      return status >= 500 ? 'Etwas ist schiefgegangen' : 'Hier geht es nicht weiter';
    },
    advice: (status) => {
      if (status === 429)
        return 'Bitte warten Sie eine Weile und versuchen Sie es dann noch einmal.';
      if (status >= 500)
        return 'Der Fehler liegt bei uns. Bitte versuchen Sie es in einigen Minuten noch einmal.';
      return 'Gehen Sie zurück zur Anwendung und beginnen Sie noch einmal. Wenn das nicht hilft, senden Sie diese Angaben an die Betreiber der Anwendung.';
    },
    details: 'Einzelheiten',
    code: 'Fehler',
    reason: 'Grund',
    request: 'Anfrage',
  },
  home: {
    account: 'Ihr Konto',
    title: 'Dies ist ein Anmeldedienst',
    lead: 'Anwendungen schicken Menschen hierher, damit sie sich anmelden. Auf dieser Seite gibt es nichts zu tun: Öffnen Sie die Anwendung, die Sie nutzen möchten.',
    setup: (discovery) =>
      markup`Sie richten eine Anwendung ein? Alles, was sie braucht, findet sie im ${discovery}.`,
    discovery: 'Discovery-Dokument',
  },
};

function later(seconds: number | null): string {
  const when = seconds === null ? 'später' : `in ${duration(seconds)}`;
  return `Bitte versuchen Sie es ${when} noch einmal.`;
}

function duration(seconds: number): string {
  const [count, unit] =
    seconds < 90
      ? [Math.max(1, Math.ceil(seconds)), 'Sekunde']
      : [Math.ceil(seconds / 60), 'Minute'];
  // The number stays on the line of its unit.
  return `${count}\u00a0${unit}${count === 1 ? '' : 'n'}`;
}
