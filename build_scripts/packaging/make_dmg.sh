#!/usr/bin/env bash
# On macOS: makes dist/Kaxia-{{version}}.dmg from dist/Kaxia.app. Set SIGN_AS to sign it, NOTARY_PROFILE to notarise it.
set -euo pipefail
cd "$(dirname "$0")"

if [ -n "${SIGN_AS:-}" ]; then
  codesign --deep --force --options runtime --timestamp --sign "$SIGN_AS" Kaxia.app
fi

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cp -R Kaxia.app "$stage/"
ln -s /Applications "$stage/Applications"
hdiutil create -volname "Kaxia" -srcfolder "$stage" -ov -format UDZO "Kaxia-{{version}}.dmg"

if [ -n "${NOTARY_PROFILE:-}" ]; then
  xcrun notarytool submit "Kaxia-{{version}}.dmg" --keychain-profile "$NOTARY_PROFILE" --wait
  xcrun stapler staple "Kaxia-{{version}}.dmg"
fi
