; Inno Setup: `iscc dist\kaxia.iss` makes dist\Kaxia-{{version}}-setup.exe from dist\kaxia.
[Setup]
AppId={{B7A1E0E5-6C1B-4E0C-9B63-6B7D2C5C1F0A}
AppName=Kaxia 卡匣
AppVersion={{version}}
AppPublisher=Kaxia
DefaultDirName={autopf}\Kaxia
DefaultGroupName=Kaxia
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
OutputDir=.
OutputBaseFilename=Kaxia-{{version}}-setup
Compression=lzma2/max
SolidCompression=yes
WizardStyle=modern
UninstallDisplayIcon={app}\kaxiaw.exe
CloseApplications=yes

[Languages]
Name: "english"; MessagesFile: "compiler:Default.isl"

[Tasks]
Name: "desktopicon"; Description: "{cm:CreateDesktopIcon}"; GroupDescription: "{cm:AdditionalIcons}"

[Files]
Source: "kaxia\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[InstallDelete]
; an older version's libraries must not mix with this one's
Type: filesandordirs; Name: "{app}\_internal"

[Icons]
Name: "{group}\Kaxia 卡匣"; Filename: "{app}\kaxiaw.exe"
Name: "{autodesktop}\Kaxia 卡匣"; Filename: "{app}\kaxiaw.exe"; Tasks: desktopicon

[Run]
Filename: "{app}\kaxiaw.exe"; Description: "{cm:LaunchProgram,Kaxia}"; Flags: nowait postinstall skipifsilent
