"""A headless Chromium, driven over a pipe in the DevTools protocol."""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time

PROGRAM = shutil.which('chromium') or shutil.which('chromium-browser')
ABSENT = 'chromium absent: apt-get install chromium (tools/run_tests.sh does where it may)'


class Browser:
    """One browser with one tab.

    Args:
        profile: Folder of its profile.
    """

    def __init__(self, profile) -> None:
        to_read, self.write_end = os.pipe()
        self.read_end, to_write = os.pipe()
        # Chromium reads commands from descriptor 3 and writes answers to 4.
        self.process = subprocess.Popen(
            [
                '/bin/bash',
                '-c',
                f'exec "$0" "$@" 3<&{to_read} 4>&{to_write}',
                *(PROGRAM, '--headless=new', '--no-sandbox', '--remote-debugging-pipe'),
                *('--disable-gpu', '--disable-dev-shm-usage', '--mute-audio', '--hide-scrollbars'),
                *('--autoplay-policy=no-user-gesture-required', f'--user-data-dir={profile}'),
                'about:blank',
            ],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self.ids = itertools.count(1)
        self.buffer = b''
        self.events = []
        targets = self.send('Target.getTargets')['targetInfos']
        target = next(target for target in targets if target['type'] == 'page')
        attach = dict(targetId=target['targetId'], flatten=True)
        self.session = self.send('Target.attachToTarget', **attach)['sessionId']
        for domain in ('Page', 'Runtime', 'Network', 'Log'):
            self.send(f'{domain}.enable')

    session = None

    def send(self, method, seconds=60, **parameters):
        """Call a method of the protocol; its result."""
        number = next(self.ids)
        message = dict(id=number, method=method, params=parameters)
        if self.session:
            message['sessionId'] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b'\0')
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            answer = self._receive(until)
            if answer.get('id') == number:
                assert 'error' not in answer, answer
                return answer['result']
            self.events.append(answer)
        raise TimeoutError(method)

    def _receive(self, until):
        while b'\0' not in self.buffer:
            if not select.select([self.read_end], [], [], max(until - time.monotonic(), 0))[0]:
                raise TimeoutError('the browser does not answer')
            block = os.read(self.read_end, 1 << 20)
            assert block, 'the browser has ended'
            self.buffer += block
        message, _, self.buffer = self.buffer.partition(b'\0')
        return json.loads(message)

    def open(self, path, width=1280, height=900, dark=False):
        """Show a file at a size."""
        size = dict(width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.send('Emulation.setDeviceMetricsOverride', **size)
        scheme = dict(name='prefers-color-scheme', value='dark' if dark else 'light')
        self.send('Emulation.setEmulatedMedia', features=[scheme])
        self.events.clear()
        self.send('Page.navigate', url=path.resolve().as_uri())
        self.wait('document.readyState === "complete" && !!document.getElementById("clock")')

    def run(self, script):
        """Value of an expression of JavaScript; promises are awaited."""
        result = self.send(
            'Runtime.evaluate', expression=script, returnByValue=True, awaitPromise=True
        )
        assert 'exceptionDetails' not in result, result
        return result['result'].get('value')

    def wait(self, script, seconds=60):
        """Until an expression is true."""
        until = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < until, f'never true: {script}'
            time.sleep(0.05)

    def press(self, key):
        """Press and let go of a key."""
        for kind in ('keyDown', 'keyUp'):
            text = dict(text='\r') if key == 'Enter' and kind == 'keyDown' else {}
            codes = dict(Tab=9, Enter=13, ArrowRight=39, ArrowLeft=37)
            self.send(
                'Input.dispatchKeyEvent',
                **dict(type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key], **text),
            )

    def complaints(self):
        """Errors of the console and requests that left the page."""
        found = []
        for event in self.events:
            name, about = event.get('method'), event.get('params', {})
            if name == 'Runtime.exceptionThrown' or (
                name == 'Log.entryAdded' and about['entry']['level'] == 'error'
            ):
                found.append(json.dumps(about)[:500])
            if name == 'Network.requestWillBeSent':
                url = about['request']['url']
                if not url.startswith(('file:', 'data:', 'blob:')):
                    found.append(url)
        return found

    def screenshot(self, path):
        """Write a PNG of the whole page."""
        data = self.send('Page.captureScreenshot', captureBeyondViewport=True)['data']
        path.write_bytes(base64.b64decode(data))

    def close(self):
        """End the browser."""
        self.process.terminate()
        self.process.wait(timeout=30)
        os.close(self.write_end)
        os.close(self.read_end)
