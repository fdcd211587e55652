# Saves a text that the page made, such as a table with answers: a WebView cannot download what has no address.
# The page calls save on a thread of its own; the phone's screen then asks where to put the file.
.class final Lafield/phone/Saver;
.super Ljava/lang/Object;
.implements Ljava/lang/Runnable;

.field final activity:Lafield/phone/MainActivity;
.field volatile name:Ljava/lang/String;

.method constructor <init>(Lafield/phone/MainActivity;)V
    .locals 0
    invoke-direct {p0}, Ljava/lang/Object;-><init>()V
    iput-object p1, p0, Lafield/phone/Saver;->activity:Lafield/phone/MainActivity;
    return-void
.end method

.method public save(Ljava/lang/String;Ljava/lang/String;)V
    .locals 1
    .annotation runtime Landroid/webkit/JavascriptInterface;
    .end annotation
    iput-object p1, p0, Lafield/phone/Saver;->name:Ljava/lang/String;
    iget-object v0, p0, Lafield/phone/Saver;->activity:Lafield/phone/MainActivity;
    iput-object p2, v0, Lafield/phone/MainActivity;->saving:Ljava/lang/String;
    invoke-virtual {v0, p0}, Lafield/phone/MainActivity;->runOnUiThread(Ljava/lang/Runnable;)V
    return-void
.end method

.method public run()V
    .locals 4
    new-instance v0, Landroid/content/Intent;
    const-string v1, "android.intent.action.CREATE_DOCUMENT"
    invoke-direct {v0, v1}, Landroid/content/Intent;-><init>(Ljava/lang/String;)V
    const-string v1, "android.intent.category.OPENABLE"
    invoke-virtual {v0, v1}, Landroid/content/Intent;->addCategory(Ljava/lang/String;)Landroid/content/Intent;
    const-string v1, "text/csv"
    invoke-virtual {v0, v1}, Landroid/content/Intent;->setType(Ljava/lang/String;)Landroid/content/Intent;
    const-string v1, "android.intent.extra.TITLE"
    iget-object v2, p0, Lafield/phone/Saver;->name:Ljava/lang/String;
    invoke-virtual {v0, v1, v2}, Landroid/content/Intent;->putExtra(Ljava/lang/String;Ljava/lang/String;)Landroid/content/Intent;
    iget-object v2, p0, Lafield/phone/Saver;->activity:Lafield/phone/MainActivity;
    const/4 v3, 0x2
    invoke-virtual {v2, v0, v3}, Lafield/phone/MainActivity;->start(Landroid/content/Intent;I)Z
    return-void
.end method
